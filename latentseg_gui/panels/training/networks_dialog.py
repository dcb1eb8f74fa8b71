"""Which network suits these images: which shall learn for how long, how it goes, and a table of what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.document.training.compared_networks import NetworkProgress, NetworksCompared, best_first
from latentseg_gui.document.training.learning import FROM_SCRATCH, LATENT_EXPERT, NetworkChoice
from latentseg_gui.panels.fields import ComboBox, SpinBox
from latentseg_gui.panels.plain import plain, unmarked
from latentseg_gui.panels.training.outcome_table import OutcomeTable, SideBySide
from latentseg_gui.panels.training.values import ComparisonWish, PictureShown
from latentseg_gui.panels.widgets import Scrolled, restyle, text_label

_TICKED_AT_FIRST = (LATENT_EXPERT, "unet")
_LINES, _MOST_LINES = 5, 17
"""Of the list, beside what came of a comparison, and while there is nothing else to show."""

_LONGEST_S = 3600


class NetworksDialog(QDialog):
    """Stays open beside the window; closing it lets the networks learn on.

    Signals:
        start_requested: a `ComparisonWish`.
        cancel_requested: stop, and keep nothing.
        use_requested: name of the network whose weights shall be used.
        image_requested: id of the image to show predictions of.
    """

    start_requested = Signal(object)
    cancel_requested = Signal()
    use_requested = Signal(str)
    image_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Compare networks"))
        self._choices: tuple[NetworkChoice, ...] = ()
        self._titles: dict[str, str] = {}
        self._obstacle = text_label("", "muted")
        self._list = QListWidget()
        self._seconds = SpinBox()
        self._whole_time = text_label("", "hint")
        self._start = QPushButton(self.tr("Compare"))
        self._cancel = QPushButton(self.tr("Cancel"))
        self._progress = QProgressBar()
        self._status = text_label("", "hint")
        self._table = OutcomeTable()
        self._notes = text_label("", "hint")
        self._use = QPushButton("")
        self._image = ComboBox()
        self._image_row = QWidget()
        self._pictures = SideBySide()
        self._set_up()
        self._build()
        self._connect()
        self.set_running(is_running=False)
        self.set_outcome(NetworksCompared((), ""), ())
        self.set_images(())
        self.resize(760, 640)

    def _set_up(self) -> None:
        self._list.setAccessibleName(self.tr("Networks to compare"))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._seconds.setRange(1, _LONGEST_S)
        self._seconds.setValue(round(FROM_SCRATCH))
        self._seconds.setSuffix(self.tr(" s for each"))
        self._seconds.setAccessibleName(self.tr("Seconds for each network"))
        self._progress.setRange(0, 1000)
        self._progress.setTextVisible(False)
        self._use.setProperty("isPrimary", True)
        restyle(self._use)
        self._image.setAccessibleName(self.tr("Image to compare on"))
        for button in (self._start, self._cancel, self._use):
            button.setAutoDefault(False)  # Enter in the field of seconds takes the number and no more

    def _build(self) -> None:
        scroll = Scrolled(self, margins=14, spacing=8)
        scroll.body.addWidget(
            text_label(
                self.tr(
                    "The ticked networks learn from your labels one after the other, for the same time. All are "
                    "measured on the same labelled pixels, from which none has learned."
                )
            )
        )
        scroll.body.addWidget(self._list)
        row = QHBoxLayout()
        row.addWidget(self._seconds)
        row.addWidget(self._whole_time, 1)
        row.addWidget(self._start)
        row.addWidget(self._cancel)
        scroll.body.addLayout(row)
        for widget in (self._obstacle, self._progress, self._status, self._table, self._notes):
            scroll.body.addWidget(widget)
        use = QHBoxLayout()
        use.addStretch(1)
        use.addWidget(self._use)
        scroll.body.addLayout(use)
        images = QHBoxLayout(self._image_row)
        images.setContentsMargins(0, 0, 0, 0)
        images.addWidget(text_label(self.tr("Predictions on"), is_wrapped=False))
        images.addWidget(self._image, 1)
        scroll.body.addWidget(self._image_row)
        scroll.body.addWidget(self._pictures)
        scroll.body.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _connect(self) -> None:
        self._list.itemChanged.connect(self._on_wish_changed)
        self._seconds.valueChanged.connect(self._on_wish_changed)
        self._start.clicked.connect(self._on_start_pressed)
        self._cancel.clicked.connect(self.cancel_requested)
        self._table.chosen.connect(self._on_row_chosen)
        self._use.clicked.connect(self._on_use_pressed)
        self._image.activated.connect(self._on_image_chosen)

    @property
    def wish(self) -> ComparisonWish:
        """What is ticked, and for how long each learns."""
        items = [self._list.item(row) for row in range(self._list.count())]
        ticked = [item for item in items if item.checkState() == Qt.CheckState.Checked]
        names = tuple(str(item.data(Qt.ItemDataRole.UserRole)) for item in ticked)
        return ComparisonWish(names, float(self._seconds.value()))

    @property
    def table(self) -> OutcomeTable:
        """How the networks did."""
        return self._table

    @property
    def pictures(self) -> SideBySide:
        """What they see in the chosen image."""
        return self._pictures

    def set_networks(self, choices: Sequence[NetworkChoice]) -> None:
        """Lists what can be trained; ticks stay."""
        if tuple(choices) == self._choices:
            return
        ticked = self.wish.networks if self._choices else _TICKED_AT_FIRST
        self._choices = tuple(choices)
        self._list.blockSignals(True)
        self._list.clear()
        for choice in self._choices:
            item = QListWidgetItem(f"{choice.title}  ·  {choice.summary}")
            item.setData(Qt.ItemDataRole.UserRole, choice.name)
            item.setToolTip(plain(f"{choice.summary} {choice.limits}"))
            is_on = choice.name in ticked
            item.setCheckState(Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked)
            self._list.addItem(item)
        self._list.blockSignals(False)
        self._fit_list()
        self._on_wish_changed()

    def set_wish(self, wish: ComparisonWish) -> None:
        """Ticks these networks, for that time."""
        for row in range(self._list.count()):
            item = self._list.item(row)
            is_on = item.data(Qt.ItemDataRole.UserRole) in wish.networks
            item.setCheckState(Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked)
        self._seconds.setValue(round(wish.seconds))

    def set_obstacle(self, why: str) -> None:
        """Says why it cannot begin; "" where it can."""
        self._obstacle.setText(why)
        self._obstacle.setVisible(bool(why))
        self._start.setEnabled(not why)

    def set_running(self, *, is_running: bool, why_not_yet: str = "") -> None:
        """Shows progress, or what it waits for, and how to cancel; or how to start."""
        for widget in (self._progress, self._status, self._cancel):
            widget.setVisible(is_running)
        self._list.setEnabled(not is_running)
        self._seconds.setEnabled(not is_running)
        self._start.setVisible(not is_running)
        self._fit_list()
        if why_not_yet or not is_running:
            self._progress.setValue(0)
            self._status.setText(why_not_yet or self.tr("Getting ready..."))

    def _fit_list(self) -> None:
        """All networks are in sight where that takes no room from what came of them."""
        is_alone = self._list.isEnabled() and not self._table.rowCount()
        lines = min(self._list.count(), _MOST_LINES) if is_alone else _LINES
        self._list.setFixedHeight(lines * max(self._list.sizeHintForRow(0), self.fontMetrics().height()) + 6)

    def set_progress(self, progress: NetworkProgress) -> None:
        """Shows which network learns, and how those did that are done."""
        self._progress.setValue(round(progress.fraction * 1000))
        words = self.tr("{0} of {1}: {2} · {3}")
        self._status.setText(words.format(progress.number, progress.count, progress.title, progress.phase))
        if len(progress.outcomes) != self._table.rowCount():
            self._table.set_outcomes(progress.outcomes, self._table.class_names)

    def set_outcome(self, outcome: NetworksCompared, class_names: Sequence[str]) -> None:
        """Shows how all did, the best first and chosen."""
        rows = best_first(outcome.outcomes)
        self._titles = {each.name: each.title for each in rows if each.weights is not None}
        self._table.set_outcomes(rows, class_names, outcome.measured_on)
        notes = [f"{each.title}: {each.note}" for each in rows if each.note]
        self._notes.setText("\n".join(notes))
        self._notes.setVisible(bool(notes))
        self._use.setVisible(bool(self._titles))
        self._fit_list()
        self._on_row_chosen(self._table.chosen_name)

    def set_images(self, images: Sequence[tuple[str, str]]) -> None:
        """Offers images (id, name) to look at predictions of, and asks for the first."""
        self._image.clear()
        for image_id, name in images:
            self._image.addItem(name, image_id)
        self._image_row.setVisible(bool(images))
        self.set_pictures(())
        if images:
            self.image_requested.emit(images[0][0])

    def set_pictures(self, pictures: Sequence[PictureShown]) -> None:
        """Shows these side by side."""
        self._pictures.set_pictures(pictures)

    def _on_wish_changed(self, *_: object) -> None:
        wish = self.wish
        minutes = len(wish.networks) * wish.seconds / 60
        words = self.tr("1 network") if len(wish.networks) == 1 else self.tr("{0} networks")
        self._whole_time.setText(
            self.tr("{0}, about {1} min in all").format(words.format(len(wish.networks)), f"{minutes:.1f}")
        )

    def _on_start_pressed(self) -> None:
        self._seconds.interpretText()
        self.start_requested.emit(self.wish)

    def _on_row_chosen(self, name: str) -> None:
        title = self._titles.get(name, "")
        self._use.setEnabled(bool(title))
        self._use.setText(
            unmarked(self.tr("Use {0} as a version").format(title)) if title else self.tr("Use")
        )

    def _on_use_pressed(self) -> None:
        self.use_requested.emit(self._table.chosen_name)

    def _on_image_chosen(self, *_: object) -> None:
        self.image_requested.emit(str(self._image.currentData()))
