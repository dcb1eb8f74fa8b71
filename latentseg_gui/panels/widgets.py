"""Small controls that several panels are made of; each has an accessible name from the start."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.panels.fields import Slider, SpinBox
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain


def icon_button(
    name: str, text: str, *, parent: QWidget | None = None, is_checkable: bool = False
) -> QToolButton:
    """A flat button with an icon; ``text`` is its tool tip and accessible name."""
    button = QToolButton()
    button.setIcon(icon(name))
    button.setIconSize(QSize(18, 18))
    button.setCheckable(is_checkable)
    button.setToolTip(plain(text))
    button.setAccessibleName(text.partition("\n")[0])
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button


def state_button(name: str, text: str) -> QToolButton:
    """A small checkable icon in a row, whose drawing alone says whether it is on."""
    button = icon_button(name, text, is_checkable=True)
    button.setIconSize(QSize(16, 16))
    button.setProperty("role", "state")
    return button


def text_label(
    text: str = "", role: str = "", *, parent: QWidget | None = None, is_wrapped: bool = True
) -> QLabel:
    """A label in one of the roles of the style sheet: "muted", "hint", "title", "headline", "key" or ""."""
    label = QLabel(text)
    label.setProperty("role", role)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(is_wrapped)
    return label


def line() -> QFrame:
    """A thin horizontal rule."""
    frame = QFrame()
    frame.setProperty("role", "line")
    return frame


def upright_line() -> QFrame:
    """A thin rule between two fields side by side."""
    frame = QFrame()
    frame.setProperty("role", "upright")
    return frame


class Scrolled(QScrollArea):
    """A vertical stack of widgets that scrolls when the panel is too low; never sideways.

    Attributes:
        body: the layout to add to.
    """

    def __init__(self, parent: QWidget | None = None, *, margins: int = 10, spacing: int = 8) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = QWidget()
        self.body = QVBoxLayout(content)
        self.body.setContentsMargins(margins, margins, margins, margins)
        self.body.setSpacing(spacing)
        self.setWidget(content)

    def show_widget(self, widget: QWidget) -> None:
        """Scrolls to a widget, also to one that has no place yet because it was added just now."""

        def scroll() -> None:
            # What was added is shown only now; until all layouts have heard of it, it has no room here.
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
            self.ensureWidgetVisible(widget, 0, 4)

        QTimer.singleShot(0, widget, scroll)


class Segments(QWidget):
    """One choice out of a few, side by side.

    Signals:
        chosen: the key that the user picked; setters do not emit.
    """

    chosen = Signal(str)

    def __init__(
        self, name: str, choices: Sequence[tuple[str, str, str]], parent: QWidget | None = None
    ) -> None:
        """``choices`` are (key, text, tool tip)."""
        super().__init__(parent)
        self.setAccessibleName(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        for position, (key, text, tip) in enumerate(choices):
            button = QToolButton(self)
            button.setText(text)
            button.setToolTip(plain(tip))
            button.setAccessibleName(f"{name}: {text}")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text) + 14)
            button.setProperty("role", "segment")
            button.setProperty("place", _place(position, len(choices)))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._group.addButton(button, position)
            self._buttons[key] = button
            row.addWidget(button)
        self._keys = [key for key, _, _ in choices]
        self._group.idClicked.connect(self._on_button_clicked)
        self.set_value(self._keys[0])

    @property
    def value(self) -> str:
        """The key in force."""
        return self._keys[self._group.checkedId()]

    def set_value(self, key: str) -> None:
        """Shows ``key`` as chosen."""
        self._buttons[key].setChecked(True)
        self._make_one_tab_stop()

    def _make_one_tab_stop(self) -> None:
        # The arrow keys go on from the checked button; Qt sees to this for clicks only.
        for button in self._buttons.values():
            is_stop = button.isChecked()
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if is_stop else Qt.FocusPolicy.ClickFocus)

    def _on_button_clicked(self, position: int) -> None:
        self._make_one_tab_stop()
        self.chosen.emit(self._keys[position])


def _place(position: int, count: int) -> str:
    if position == 0:
        return "first"
    return "last" if position == count - 1 else "middle"


class Fold(QWidget):
    """A section under a headline that opens and closes it.

    Attributes:
        body: the layout to add to.
    """

    def __init__(self, title: str, parent: QWidget | None = None, *, is_open: bool = False) -> None:
        super().__init__(parent)
        self._button = QToolButton(self)
        self._button.setText(title)
        self._button.setAccessibleName(title)
        self._button.setProperty("role", "fold")
        self._button.setCheckable(True)
        self._button.setChecked(is_open)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._button.setIconSize(QSize(13, 13))
        self._content = QWidget(self)
        self.body = QVBoxLayout(self._content)
        self.body.setContentsMargins(4, 2, 0, 4)
        self.body.setSpacing(6)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(2)
        whole.addWidget(self._button)
        whole.addWidget(self._content)
        self._button.toggled.connect(self._on_toggled)
        self._on_toggled(is_open)

    @property
    def is_open(self) -> bool:
        """Whether the content shows."""
        return self._button.isChecked()

    def set_open(self, is_open: bool) -> None:
        """Opens or closes the section."""
        self._button.setChecked(is_open)

    def _on_toggled(self, is_open: bool) -> None:
        self._button.setIcon(icon("chevron-down" if is_open else "chevron-right"))
        self._content.setVisible(is_open)


class SliderField(QWidget):
    """A whole number with a name, a slider for the usual range and a field for exact values.

    Signals:
        changed: the value that the user set; `set_value` does not emit.
    """

    changed = Signal(int)

    def __init__(
        self, name: str, limits: tuple[int, int], *, suffix: str = "", field_maximum: int = 0
    ) -> None:
        """``field_maximum`` lets the field go further than the slider.

        The name is shown before the slider; where a form shows it already, `hide_name`.
        """
        super().__init__()
        self._label = text_label(name, "muted", is_wrapped=False)
        self._slider = Slider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(*limits)
        self._slider.setAccessibleName(name)
        self._slider.setMinimumWidth(60)
        self._field = SpinBox(self)
        self._field.setRange(limits[0], max(limits[1], field_maximum))
        self._field.setSuffix(suffix)
        self._field.setAccessibleName(name)
        self._field.setKeyboardTracking(False)
        self._field.setMaximumWidth(82)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._label)
        row.addWidget(self._slider, 1)
        row.addWidget(self._field)
        self._slider.valueChanged.connect(self._on_slider_changed)
        self._field.valueChanged.connect(self._on_field_changed)

    def hide_name(self) -> None:
        """Let the name be for screen readers only."""
        self._label.hide()

    @property
    def value(self) -> int:
        """The number shown."""
        return self._field.value()

    def set_value(self, value: int) -> None:
        """Shows ``value`` without saying so."""
        for each in (self._slider, self._field):
            each.blockSignals(True)
            each.setValue(value)
            each.blockSignals(False)

    def set_range(self, lowest: int, highest: int) -> None:
        """Sets what can be chosen, without saying so where that moves the value."""
        for each in (self._slider, self._field):
            each.blockSignals(True)
            each.setRange(lowest, highest)
            each.blockSignals(False)

    def _on_slider_changed(self, value: int) -> None:
        self.set_value(value)
        self.changed.emit(value)

    def take_typed(self) -> None:
        """Takes a number that was typed and not confirmed yet."""
        self._field.interpretText()

    def _on_field_changed(self, value: int) -> None:
        self.set_value(value)
        self.changed.emit(value)


def discard(widget: QWidget) -> None:
    """Takes a widget away for good.

    Hidden first: a layout shows what was added to it a turn of the event loop later, and without a parent the
    widget would then be a window of its own, for as long as a dialog is open that nothing is deleted under.
    """
    widget.hide()
    widget.setParent(None)
    widget.deleteLater()


def make_default(button: QPushButton, box: QDialogButtonBox) -> None:
    """The button that Enter presses, also where it can be pressed only later: no other takes its place."""
    for each in box.buttons():
        if isinstance(each, QPushButton):
            each.setAutoDefault(False)
    button.setProperty("isPrimary", True)
    restyle(button)
    button.setDefault(True)


def restyle(widget: QWidget) -> None:
    """Applies the style sheet again after a property that it asks for has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
