"""The question before masks are imported: which were found, which fit, and what becomes of those that are there."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QRadioButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import make_default, text_label

_WIDTH, _MARGIN, _ROWS = 640, 18, 7


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A mask that was found.

    Attributes:
        mask: what to call it.
        remark: the image that it is for, or why it is for none.
        fits: whether it can be taken over.
        has_mask: whether its image has a mask already.
    """

    mask: str
    remark: str
    fits: bool
    has_mask: bool = False


@dataclass(frozen=True, slots=True)
class ImportQuestion:
    """What the dialog asks.

    Attributes:
        source: where the masks are, and what that was taken for.
        rows: what was found, what needs attention first.
        more: how many rows were left out.
        fitting: how many masks fit an image.
        with_mask: how many of those images have a mask already.
        without: images that there is no mask for.
        refused: how many masks cannot be taken over.
        strangers: how many are for images that are not on the list.
        current: the image that is looked at, if it is one of several; else "".
        is_current_masked: whether that one has a mask already.
        numbers: what small numbers in the masks seem to be, "classes" or "objects"; "" where that is sure.
        turned: how many masks may have been made before their image was turned by its EXIF data.
    """

    source: str
    rows: tuple[ImportRow, ...]
    fitting: int
    with_mask: int
    without: int
    refused: int
    strangers: int = 0
    more: int = 0
    current: str = ""
    is_current_masked: bool = False
    numbers: str = ""
    turned: int = 0


@dataclass(frozen=True, slots=True)
class ImportChoice:
    """What the user chose.

    Attributes:
        mode: "skip", "fill" or "replace" what is there.
        is_rest_background: whether pixels outside all objects are background.
        is_current_only: whether only the image that is looked at is meant.
        numbers: what small numbers are, "classes" or "objects"; "" where it was not asked.
        is_turned: whether masks were made before their images were turned, and are to be turned, too.
    """

    mode: str
    is_rest_background: bool
    is_current_only: bool
    numbers: str = ""
    is_turned: bool = False


class ImportDialog(QDialog):
    """Says what was found and asks how it is taken over; show it with ``open()``.

    Signals:
        confirmed: the `ImportChoice`.
    """

    confirmed = Signal(object)

    def __init__(self, question: ImportQuestion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Import masks"))
        self.setMinimumWidth(_WIDTH)
        self._question = question
        self._modes, self._scopes = QButtonGroup(self), QButtonGroup(self)
        self._keys = ("skip", "fill", "replace")
        self._numbers, self._kinds = QButtonGroup(self), ("classes", "objects")
        self._turn = QCheckBox(self.tr("Turn the masks as their images are turned (EXIF)"), self)
        self._turn.setToolTip(
            self.tr("For masks that were made by a program that does not turn images: they look upside down.")
        )
        self._turn.setVisible(bool(question.turned))
        self._rest = QCheckBox(self.tr("Pixels outside all objects are background"), self)
        self._rest.setChecked(True)
        self._rest.setToolTip(
            self.tr(
                "For formats that list objects only (COCO, YOLO, labelme, GeoJSON, object numbers).\n"
                "Without it they stay unlabelled, and are not learned from."
            )
        )
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._do = self._buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        make_default(self._do, self._buttons)
        self._buttons.accepted.connect(self._on_accepted)
        self._buttons.rejected.connect(self.reject)
        self._lay_out()
        if question.with_mask == question.fitting:  # to leave all of them alone would be to do nothing
            self.set_mode("fill")
        self._modes.idToggled.connect(self._refresh)
        self._scopes.idToggled.connect(self._refresh)
        self._refresh()

    @property
    def choice(self) -> ImportChoice:
        """What is chosen now."""
        mode = self._keys[max(0, self._modes.checkedId())]
        number = self._numbers.checkedId()
        return ImportChoice(
            mode,
            self._rest.isChecked(),
            self._scopes.checkedId() == 1,
            self._kinds[number] if number >= 0 else "",
            self._turn.isChecked(),
        )

    @property
    def count(self) -> int:
        """How many masks would be taken over."""
        question, choice = self._question, self.choice
        has_mask = int(question.is_current_masked) if choice.is_current_only else question.with_mask
        total = 1 if choice.is_current_only else question.fitting
        return total - has_mask if choice.mode == "skip" else total

    def set_mode(self, mode: str) -> None:
        """Chooses what becomes of masks that are there already."""
        button = self._modes.button(self._keys.index(mode))
        if button is not None:
            button.setChecked(True)

    def set_current_only(self, is_on: bool) -> None:
        """Chooses whether only the image that is looked at is meant."""
        button = self._scopes.button(int(is_on))
        if button is not None:
            button.setChecked(True)

    def set_numbers(self, kind: str) -> None:
        """Chooses what small numbers are: "classes" or "objects"."""
        button = self._numbers.button(self._kinds.index(kind))
        if button is not None:
            button.setChecked(True)

    def set_turned(self, is_on: bool) -> None:
        """Chooses whether masks are turned as their images are."""
        self._turn.setChecked(is_on)

    def set_rest_background(self, is_on: bool) -> None:
        """Chooses what pixels outside all objects are."""
        self._rest.setChecked(is_on)

    def _lay_out(self) -> None:
        question = self._question
        whole = QVBoxLayout(self)
        whole.setContentsMargins(_MARGIN, 16, _MARGIN, 14)
        whole.setSpacing(8)
        for text, role in ((question.source, "title"), (self._facts(), "")):
            label = text_label(text, role)
            label.ensurePolished()
            label.setMinimumHeight(label.heightForWidth(_WIDTH - 2 * _MARGIN))
            whole.addWidget(label)
        whole.addWidget(self._list(), 1)
        if question.current:
            whole.addSpacing(4)
            whole.addWidget(text_label(self.tr("Images"), "title"))
            self._add(whole, self._scopes, self.tr("All that fit ({0})").format(question.fitting))
            self._add(whole, self._scopes, self.tr("This image only: {0}").format(question.current))
        if question.with_mask:
            whole.addSpacing(4)
            title = self.tr("Images that have a mask already ({0})").format(question.with_mask)
            whole.addWidget(text_label(title, "title"))
            for text in (
                self.tr("Leave them as they are"),
                self.tr("Keep what is labelled, fill in the rest"),
                self.tr("Replace their masks (undo brings them back)"),
            ):
                self._add(whole, self._modes, text)
        if question.numbers:
            whole.addSpacing(4)
            whole.addWidget(text_label(self.tr("The numbers in these masks are"), "title"))
            self._add(whole, self._numbers, self.tr("Numbers of classes"))
            self._add(whole, self._numbers, self.tr("Numbers of objects, all of one class"))
            self.set_numbers(question.numbers)
        whole.addSpacing(4)
        whole.addWidget(self._rest)
        whole.addWidget(self._turn)
        whole.addWidget(self._buttons)

    def _add(self, layout: QVBoxLayout, group: QButtonGroup, text: str) -> None:
        button = QRadioButton(text, self)
        button.setChecked(not group.buttons())
        group.addButton(button, len(group.buttons()))
        layout.addWidget(button)

    def _facts(self) -> str:
        question = self._question
        sentences = [self.tr("{0} masks fit an image of the list.").format(question.fitting)]
        if question.fitting == 1:
            sentences = [self.tr("1 mask fits an image of the list.")]
        if question.refused:
            sentences.append(
                self.tr("{0} cannot be imported; they are listed first.").format(question.refused)
            )
        if question.strangers:
            text = self.tr("{0} are for images that are not on the list; they are listed last.")
            sentences.append(text.format(question.strangers))
        if question.without:
            sentences.append(self.tr("{0} images have no mask there.").format(question.without))
        return " ".join(sentences)

    def _list(self) -> QTreeWidget:
        rows = QTreeWidget(self)
        rows.setAccessibleName(self.tr("What was found"))
        labels = [self.tr("Mask"), self.tr("Image, or why it is left out")]
        rows.setHeaderLabels([*labels, ""] if self._question.with_mask else labels)
        rows.setRootIsDecorated(False)
        rows.setUniformRowHeights(True)
        rows.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        for row in self._question.rows:
            item = QTreeWidgetItem([row.mask, row.remark, self.tr("has a mask") if row.has_mask else ""])
            item.setIcon(0, icon("check" if row.fits else "warning"))
            item.setToolTip(0, plain(row.mask))
            item.setToolTip(1, plain(row.remark))
            rows.addTopLevelItem(item)
        if self._question.more:
            rows.addTopLevelItem(
                QTreeWidgetItem([self.tr("... and {0} more").format(self._question.more), ""])
            )
        header = rows.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        if self._question.with_mask:
            header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        height = header.sizeHint().height() + rows.sizeHintForRow(0) * _ROWS + 2 * rows.frameWidth()
        rows.setMinimumHeight(height)
        return rows

    def _refresh(self, *_: object) -> None:
        text = self.tr("Import 1 mask") if self.count == 1 else self.tr("Import {0} masks").format(self.count)
        self._do.setText(text)
        self._do.setEnabled(self.count > 0)

    def _on_accepted(self) -> None:
        self.confirmed.emit(self.choice)
        self.accept()
