"""The options of the tool in the hand, and of the display beside them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget

from latentseg_gui.document.masks.tools import Option, ToolName
from latentseg_gui.panels.flow_layout import FlowLayout
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.tools.options import OverlaySwitches, PiecesOption, PromptingOptions, TightenOption
from latentseg_gui.panels.widgets import Segments, SliderField, text_label


class ToolOptionsBar(QWidget):
    """Shows only what the current tool uses; wraps on narrow windows, equally high for every tool.

    Attributes:
        display: the switches of the overlay; their signals and setters are its own.
        prompting: what a drag with the click tool draws, and whether each click is an object; likewise.
        tighten, pieces: the shape of a proposal, and how many pieces an object is split into; likewise.
        option: the widget of each option; those of the tool in the hand are shown.

    Signals:
        diameter_requested: of brush or eraser, in pixels of the image.
        tolerance_requested: of the magic wand, 0..255.
        protect_requested: whether pixels of other classes stay as they are.
        eraser_mode_requested: "unlabelled" or "background", what the eraser leaves.
        preview_requested: whether hovering shows what a click would give.
        accept_requested, clear_requested: the proposal of the click tool.
    """

    diameter_requested = Signal(int)
    tolerance_requested = Signal(int)
    protect_requested = Signal(bool)
    eraser_mode_requested = Signal(str)
    preview_requested = Signal(bool)
    accept_requested = Signal()
    clear_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display = OverlaySwitches(self)
        self.prompting = PromptingOptions(self)
        self.tighten = TightenOption(self)
        self.pieces = PiecesOption(self)
        self._diameter = SliderField(self.tr("Size"), (1, 200), suffix=" px", field_maximum=2000)
        self._tolerance = SliderField(self.tr("Tolerance"), (0, 128), field_maximum=255)
        self._eraser = Segments(
            self.tr("Eraser leaves"),
            (
                ("unlabelled", self.tr("Nothing"), self.tr("Erased pixels have no class any more")),
                ("background", self.tr("Background"), self.tr("Erased pixels become background")),
            ),
        )
        self._protect = QCheckBox(self.tr("Protect others"))
        self._protect.setToolTip(self.tr("Pixels of other classes stay as they are"))
        self._preview = QCheckBox(self.tr("Hover preview"))
        self._preview.setToolTip(self.tr("Show what a click would do while the mouse rests"))
        self._accept = _accept_button(self.tr("Accept"))
        self._accept.setToolTip(self.tr("Accept the proposal into the current class"))
        follow_key(self._accept, "accept")
        self._clear = QPushButton(icon("close"), self.tr("Clear"))
        self._clear.setToolTip(self.tr("Drop all clicks"))
        follow_key(self._clear, "cancel")
        self.option: dict[Option, QWidget] = {
            "accept": self._accept,
            "clear": self._clear,
            "drag": self.prompting.kinds,
            "each_new": self.prompting.each_new,
            "tighten": self.tighten,
            "pieces": self.pieces,
            "diameter": self._diameter,
            "tolerance": self._tolerance,
            "eraser": _named(self._eraser),
            "protect": self._protect,
            "preview": self._preview,
        }
        flow = FlowLayout(self, spacing=10, margins=6)
        shown = (*self.display.parts, self._preview)  # it is something to see, and the first row is full
        for widget in (*(each for each in self.option.values() if each not in shown), *shown):
            flow.addWidget(widget)
        flow.keep_together(shown)
        flow.keep_height([[self.option[name] for name in tool.spec.options] for tool in ToolName])
        self._connect()
        self.set_proposal_available(False)
        self.set_tool(ToolName.CLICK)

    def _connect(self) -> None:
        self._diameter.changed.connect(self.diameter_requested)
        self._tolerance.changed.connect(self.tolerance_requested)
        self._eraser.chosen.connect(self.eraser_mode_requested)
        self._protect.clicked.connect(self.protect_requested)
        self._preview.clicked.connect(self.preview_requested)
        self._accept.clicked.connect(self.accept_requested)
        self._clear.clicked.connect(self.clear_requested)

    def set_tool(self, tool: ToolName) -> None:
        """Shows the options of the tool in the hand."""
        for name, widget in self.option.items():
            widget.setVisible(name in tool.spec.options)
        self.updateGeometry()

    def set_diameter(self, pixels: int) -> None:
        """Shows the size of brush or eraser."""
        self._diameter.set_value(pixels)

    def set_tolerance(self, tolerance: int) -> None:
        """Shows the tolerance of the wand."""
        self._tolerance.set_value(tolerance)

    def set_eraser_mode(self, mode: str) -> None:
        """Shows what the eraser leaves."""
        self._eraser.set_value(mode)

    def set_preview(self, is_on: bool) -> None:
        """Shows whether hovering previews."""
        self._preview.setChecked(is_on)

    def set_proposal_available(self, is_available: bool, count: int = 1) -> None:
        """Whether there is a proposal to accept or clicks to clear, and of how many objects."""
        self._accept.setText(self.tr("Accept {0}").format(count) if count > 1 else self.tr("Accept"))
        self._accept.setEnabled(is_available)
        self._clear.setEnabled(is_available)
        self.tighten.set_available(is_available)


def _accept_button(text: str) -> QPushButton:
    """Nothing beside it moves when it says how many objects wait."""
    button = QPushButton(text)
    button.setProperty("isPrimary", True)
    button.setMinimumWidth(button.sizeHint().width() + button.fontMetrics().horizontalAdvance(" 99"))
    return button


def _named(segments: Segments) -> QWidget:
    """A choice with its name before it."""
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    row.addWidget(text_label(segments.accessibleName(), "muted", is_wrapped=False))
    row.addWidget(segments)
    return widget
