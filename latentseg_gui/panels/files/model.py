"""The list of images as a Qt model: filtered and sorted in one pass, pictures kept to a bound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtGui import QImage
from typing_extensions import override

from latentseg_gui.panels.plain import plain

Index = QModelIndex | QPersistentModelIndex

STATUSES: Final = ("new", "predicted", "corrected", "accepted", "stale", "error")
MAX_THUMBNAILS: Final = 1500


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One row of the list.

    Attributes:
        image_id: name inside the document.
        name: what is shown.
        status: one of `STATUSES`.
        is_ready: whether the model has encoded it, so that clicks answer at once.
        uncertainty: 0..1, None where it is not known.
        message: the sentence of an error, or why the image should be looked at.
        pages: of the file; 1 until it was read.
    """

    image_id: str
    name: str
    status: str = "new"
    is_ready: bool = False
    uncertainty: float | None = None
    message: str = ""
    pages: int = 1


class FilesRole(IntEnum):
    """Data roles beyond Qt's own."""

    ENTRY = int(Qt.ItemDataRole.UserRole)
    THUMBNAIL = int(Qt.ItemDataRole.UserRole) + 1


class FilesModel(QAbstractListModel):
    """Entries in the order and selection that the user asked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: dict[str, FileEntry] = {}
        self._order: list[str] = []
        self._rows: dict[str, int] = {}
        self._thumbnails: OrderedDict[str, QImage] = OrderedDict()
        self._needle = ""
        self._status = ""
        self._sort_key = "added"

    @property
    def total(self) -> int:
        """How many entries there are, shown or not."""
        return len(self._entries)

    @property
    def visible_ids(self) -> tuple[str, ...]:
        """The entries that are shown, in order."""
        return tuple(self._order)

    @property
    def depends_on_state(self) -> bool:
        """Whether a changed status or uncertainty may move rows."""
        return bool(self._status) or self._sort_key in ("status", "uncertainty")

    def entry(self, image_id: str) -> FileEntry | None:
        """The entry called ``image_id``."""
        return self._entries.get(image_id)

    def row(self, image_id: str) -> int:
        """The row of ``image_id``, -1 where it is not shown."""
        return self._rows.get(image_id, -1)

    def set_entries(self, entries: Sequence[FileEntry]) -> None:
        """Replaces the whole list."""
        self._entries = {entry.image_id: entry for entry in entries}
        for image_id in [each for each in self._thumbnails if each not in self._entries]:
            del self._thumbnails[image_id]
        self.rearrange()

    def add_entries(self, entries: Iterable[FileEntry]) -> None:
        """Appends entries; known ones are replaced."""
        self._entries.update((entry.image_id, entry) for entry in entries)
        self.rearrange()

    def remove(self, image_id: str) -> None:
        """Takes an entry out; an unknown one is no error."""
        if self._entries.pop(image_id, None) is None:
            return
        self._thumbnails.pop(image_id, None)
        row = self.row(image_id)
        if row >= 0:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._order[row]
            self._number_rows()
            self.endRemoveRows()

    def update(self, image_id: str, **changes: object) -> None:
        """Changes fields of an entry; an unknown one is no error."""
        entry = self._entries.get(image_id)
        if entry is None:
            return
        self._entries[image_id] = replace(entry, **changes)  # type: ignore[arg-type]  # fields of FileEntry
        self._tell(image_id)

    def set_thumbnail(self, image_id: str, picture: QImage) -> None:
        """Keeps ``picture`` for a row; the one unused for longest gives way."""
        if image_id not in self._entries:
            return
        self._thumbnails[image_id] = picture
        self._thumbnails.move_to_end(image_id)
        while len(self._thumbnails) > MAX_THUMBNAILS:
            self._thumbnails.popitem(last=False)
        self._tell(image_id)

    def has_thumbnail(self, image_id: str) -> bool:
        """Whether a picture is kept for ``image_id``; counts as a use of it."""
        if image_id not in self._thumbnails:
            return False
        self._thumbnails.move_to_end(image_id)
        return True

    def set_view(self, *, needle: str, status: str, sort_key: str) -> None:
        """What to show: names containing ``needle``, of ``status`` ("" for all), by ``sort_key``."""
        self._needle, self._status, self._sort_key = needle.casefold(), status, sort_key
        self.rearrange()

    def rearrange(self) -> None:
        """Filters and sorts anew."""
        self.beginResetModel()
        shown = [entry for entry in self._entries.values() if self._is_shown(entry)]
        self._order = [entry.image_id for entry in _sorted(shown, self._sort_key)]
        self._number_rows()
        self.endResetModel()

    def _is_shown(self, entry: FileEntry) -> bool:
        return (not self._status or entry.status == self._status) and self._needle in entry.name.casefold()

    def _number_rows(self) -> None:
        self._rows = {image_id: row for row, image_id in enumerate(self._order)}

    def _tell(self, image_id: str) -> None:
        row = self.row(image_id)
        if row >= 0:
            index = self.index(row)
            self.dataChanged.emit(index, index)

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._order)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._order):
            return None
        image_id = self._order[index.row()]
        entry = self._entries[image_id]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == FilesRole.ENTRY:
            return entry
        if role == FilesRole.THUMBNAIL:
            return self._thumbnails.get(image_id)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain("\n".join((entry.name, *self._facts(entry))))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join((entry.name, *self._facts(entry)))
        return None

    def _facts(self, entry: FileEntry) -> list[str]:
        """What the row says by a badge, a number and a dot."""
        facts = [status_meaning(entry.status)]
        if entry.pages > 1:
            facts.append(self.tr("{0} pages").format(entry.pages))
        if entry.uncertainty is not None and entry.status != "error":
            facts.append(self.tr("{0} % of it is unsure").format(round(entry.uncertainty * 100)))
        if entry.is_ready:
            facts.append(self.tr("green dot: a click is answered at once"))
        return [*facts, entry.message] if entry.message else facts


def status_meaning(status: str) -> str:
    """What a status says, for who has not met it yet."""
    meanings = {
        "new": QCoreApplication.translate("files", "new: neither predicted nor labelled"),
        "predicted": QCoreApplication.translate("files", "predicted: the model has said what is where"),
        "corrected": QCoreApplication.translate("files", "corrected: you have labelled a part of it"),
        "accepted": QCoreApplication.translate("files", "accepted: all of it is labelled"),
        "stale": QCoreApplication.translate(
            "files", "outdated: predicted by weights that are not in use any more"
        ),
        "error": QCoreApplication.translate("files", "error: it cannot be shown"),
    }
    return meanings.get(status, status)


def _sorted(entries: list[FileEntry], key: str) -> list[FileEntry]:
    if key == "name":
        return sorted(entries, key=lambda entry: entry.name.casefold())
    if key == "status":
        return sorted(entries, key=lambda entry: (_status_rank(entry.status), entry.name.casefold()))
    if key == "uncertainty":
        return sorted(entries, key=lambda entry: -1.0 if entry.uncertainty is None else entry.uncertainty)[
            ::-1
        ]
    return entries


def _certainty(entry: FileEntry) -> float:
    return 1.0 if entry.uncertainty is None else -entry.uncertainty


def _status_rank(status: str) -> int:
    return STATUSES.index(status) if status in STATUSES else len(STATUSES)
