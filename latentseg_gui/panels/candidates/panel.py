"""What the model has found by itself: how much of it, which of it is shown, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.panels.fields import ComboBox
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import SliderField, text_label

_LARGEST = 1_000_000
_ANY = -1


class CandidatesPanel(QWidget):
    """The count comes first; the sliders choose among what was found, and nothing is worked out again for them.

    Signals:
        all_requested: propose everything on the image.
        alike_requested: propose what is like the chosen objects.
        filter_requested: pixels of the smallest that is shown, least similarity 0..1, id of the predicted class or -1,
            share of the image of the largest that is shown.
        following_requested: whether every image that is opened is searched for the same.
        everywhere_requested: whether a search goes on to all images of the list.
        next_requested: go to the next image on which proposals wait.
        accept_requested, drop_requested: all that are shown; all.
        stop_requested: the search shall end with what it has.
    """

    all_requested = Signal()
    alike_requested = Signal()
    filter_requested = Signal(int, float, int, float)
    following_requested = Signal(bool)
    everywhere_requested = Signal(bool)
    next_requested = Signal()
    accept_requested = Signal()
    drop_requested = Signal()
    stop_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_searching = self._is_on_others = False
        self._count = text_label("", "headline")
        self._why = text_label("", "hint")
        self._all = QPushButton(icon("search"), self.tr("Propose all objects"))
        self._all.setToolTip(plain(self.tr("Look for everything on this image")))
        follow_key(self._all, "propose_all")
        self._alike = QPushButton(icon("copy"), self.tr("More like the chosen"))
        self._alike.setToolTip(
            plain(self.tr("Look for what is like the chosen objects; with none chosen, like those before"))
        )
        follow_key(self._alike, "more_alike")
        self._similarity = SliderField(self.tr("How alike"), (0, 100), suffix=" %")
        self._similarity.setToolTip(plain(self.tr("Objects that are less like the examples are not shown")))
        self._smallest = SliderField(self.tr("Smallest"), (0, 2000), suffix=" px", field_maximum=_LARGEST)
        self._smallest.setToolTip(plain(self.tr("Smaller objects are not shown")))
        self._largest = SliderField(self.tr("Largest"), (1, 100), suffix=" %")
        self._largest.setToolTip(
            plain(self.tr("What takes a larger share of the image, such as its background, is not shown"))
        )
        self._largest.set_value(100)
        self._class = ComboBox()
        self._class.setToolTip(
            plain(self.tr("Only what the prediction calls this is shown; it is accepted as this class"))
        )
        self._follows = QCheckBox(self.tr("The same on every image I open"))
        self._everywhere = QCheckBox(self.tr("On all images of the list"))
        self._everywhere.setToolTip(
            plain(self.tr("The search goes on to the other images; what it finds waits until you open them"))
        )
        self._next = QPushButton(icon("chevron-right"), "")
        self._next.setToolTip(plain(self.tr("Go to the next image on which proposals wait")))
        self._stop = QPushButton(icon("stop"), self.tr("Stop"))
        self._accept = QPushButton(self.tr("Accept all shown"))
        self._accept.setProperty("isPrimary", True)
        self._accept.setToolTip(
            plain(self.tr("They become objects of the class in use; one undo takes them back"))
        )
        self._drop = QPushButton(icon("close"), self.tr("Drop all"))
        self._lay_out()
        self._connect()
        self.set_classes((), ())
        self.set_similarity(0.5)
        self.show_state(0, 0, is_searching=False, has_examples=False)
        self.set_kept(0)

    @property
    def count_text(self) -> str:
        """The count as it stands there."""
        return self._count.text()

    def set_similarity(self, least: float) -> None:
        """Shows how alike objects must be, 0..1."""
        self._similarity.set_value(round(least * 100))

    def set_classes(self, names: Sequence[str], ids: Sequence[int]) -> None:
        """Shows the classes that can be asked for; the choice stays, if it can."""
        chosen = self._class.currentData()
        self._class.blockSignals(True)
        self._class.clear()
        self._class.addItem(self.tr("anything"), _ANY)
        for name, class_id in zip(names, ids, strict=True):
            self._class.addItem(name, class_id)
        self._class.setCurrentIndex(max(0, self._class.findData(chosen)))
        self._class.blockSignals(False)

    def show_state(self, shown: int, found: int, *, is_searching: bool, has_examples: bool) -> None:
        """Shows how many there are.

        Args:
            shown: proposals that are shown.
            found: with those that the sliders hide.
            is_searching: whether more may come.
            has_examples: whether they are like something, so that similarity can be chosen.
        """
        none = self.tr("No proposal is shown") if found else self.tr("No proposals yet")
        words = self.tr("1 proposal") if shown == 1 else self.tr("{0} proposals").format(f"{shown:,}")
        self._count.setText(words if shown else none)
        hidden = self.tr("{0} more are hidden by the choice below.").format(f"{found - shown:,}")
        idle = self.tr("Choose one or a few objects and look for more of them, or look for everything.")
        self._why.setText(self.tr("Searching…") if is_searching else hidden if found > shown else idle)
        self._why.setVisible(is_searching or found == 0 or found > shown)
        self._similarity.setEnabled(has_examples)
        self._accept.setEnabled(shown > 0)
        self._drop.setEnabled(found > 0)
        self._is_searching = is_searching
        self._stop.setEnabled(is_searching or self._is_on_others)

    def set_searching_others(self, is_on: bool) -> None:
        """Whether other images of the list are searched."""
        self._is_on_others = is_on
        self._stop.setEnabled(self._is_searching or is_on)

    def set_kept(self, images: int) -> None:
        """Shows on how many other images proposals wait."""
        one, more = self.tr("Proposals wait on 1 other image"), self.tr("Proposals wait on {0} other images")
        self._next.setText(one if images == 1 else more.format(f"{images:,}"))
        self._next.setVisible(images > 0)

    def _lay_out(self) -> None:
        form = QFormLayout()
        for field, name in (
            (self._similarity, self.tr("How alike")),
            (self._smallest, self.tr("Smallest")),
            (self._largest, self.tr("Largest")),
        ):
            field.hide_name()
            form.addRow(name, field)
        form.addRow(self.tr("Predicted as"), self._class)
        ends = QHBoxLayout()
        for button in (self._drop, self._stop):
            ends.addWidget(button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 10, 10, 10)
        for widget in (self._count, self._why, self._all, self._alike, self._accept):
            whole.addWidget(widget)
        whole.addLayout(ends)
        whole.addWidget(self._next)
        whole.addLayout(form)
        whole.addWidget(self._everywhere)
        whole.addWidget(self._follows)
        whole.addStretch(1)

    def _connect(self) -> None:
        self._all.clicked.connect(self.all_requested)
        self._alike.clicked.connect(self.alike_requested)
        self._accept.clicked.connect(self.accept_requested)
        self._drop.clicked.connect(self.drop_requested)
        self._stop.clicked.connect(self.stop_requested)
        self._follows.toggled.connect(self.following_requested)
        self._everywhere.toggled.connect(self.everywhere_requested)
        self._next.clicked.connect(self.next_requested)
        self._similarity.changed.connect(self._request_filter)
        self._smallest.changed.connect(self._request_filter)
        self._largest.changed.connect(self._request_filter)
        self._class.currentIndexChanged.connect(self._request_filter)

    def _request_filter(self, *_: object) -> None:
        self.filter_requested.emit(
            self._smallest.value,
            self._similarity.value / 100,
            int(self._class.currentData()),
            self._largest.value / 100,
        )
