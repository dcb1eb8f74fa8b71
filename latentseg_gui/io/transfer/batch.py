"""Masks for many images into a folder, remembered on the way, so that a run that was cut off is continued.

What was done is written down image by image in a hidden folder beside the masks. A run that is started again
with the same images and settings makes only what is missing, and ends with the same files as one that was
never cut off. When everything is done the hidden folder goes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.lock import ProjectLock
from latentseg_gui.io.masks.registry import FORMATS, File, MaskFormat, format_named
from latentseg_gui.io.masks.values import MaskItem, PairedImage
from latentseg_gui.io.masks.writing import combined_part, encoded_files, planned_files, write_files
from latentseg_gui.io.masks.yolo import IMAGES
from latentseg_gui.io.naming import picture_name, stems_of
from latentseg_gui.io.paths import shown
from latentseg_gui.io.regular_files import open_regular
from latentseg_gui.io.storage import AppendFile, atomic_write, make_folder, remove_file

WORK: Final = ".latentseg-batch"
_FORMAT: Final = 2
_MAX_LOG: Final = 2**30


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One picture to be predicted.

    Attributes:
        path: its file.
        frame: which page of it, from 0.
        stem: of the files that are written for it.
        name: of the picture inside the files, relative to where all of them are.
    """

    path: Path
    frame: int
    stem: str
    name: str


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What is made of every picture.

    Attributes:
        formats: keys of `latentseg_gui.io.masks.FORMATS`; more than one get a folder each.
        classes: of the masks.
        settings: what else the masks depend on (weights, options), as text; other settings begin anew.
        links_pictures: whether formats that hold the images get links to them instead of copies.
    """

    formats: tuple[str, ...]
    classes: ClassTable
    settings: str
    links_pictures: bool = False

    def folder_of(self, format_name: str) -> str:
        """The folder of a format below that of the run, with "/" at its end; empty for the only one."""
        return f"{format_name}/" if len(self.formats) > 1 else ""

    def picture(self, item: BatchItem) -> PairedImage:
        """The image as it goes along with its mask, in formats that hold both."""
        return PairedImage(item.path, item.frame, self.links_pictures)

    def planned(self, items: Sequence[BatchItem]) -> list[str]:
        """The names of what will be written, relative to the folder of the run."""
        stems, pictures = [item.stem for item in items], [self.picture(item) for item in items]
        return [
            self.folder_of(name) + file
            for name in self.formats
            for file in planned_files(stems, self.classes, name, pictures)
        ]

    def targets(self, folder: Path, items: Sequence[BatchItem]) -> list[Path]:
        """Where files will be written; an image that lies already where it would be taken to is not."""
        taken = [name for name in self.formats if FORMATS[name].with_pictures]
        goals = {folder / self.folder_of(name) / IMAGES for name in taken}
        images = {os.path.abspath(item.path) for item in items} | {
            os.path.realpath(item.path) for item in items
        }
        return [
            path
            for path in (folder / name for name in self.planned(items))
            if not (goals.intersection(path.parents) and _is_one_of(path, images))
        ]


def _is_one_of(path: Path, images: set[str]) -> bool:
    """Whether a path is one of the images themselves, not a link to it."""
    return os.path.abspath(path) in images or (not path.is_symlink() and os.path.realpath(path) in images)


def batch_items(pages: Iterable[tuple[Path, int]], root: Path | None = None) -> list[BatchItem]:
    """Pictures with a name for their files; no two get the same.

    Args:
        pages: files and pages of them, from 0.
        root: names inside the files are relative to this folder where they can be.
    """
    found = list(pages)
    return [
        BatchItem(path, frame, stem, picture_name(path, frame, root))
        for (path, frame), stem in zip(found, stems_of(found, root), strict=True)
    ]


class BatchFolder:
    """The folder of a run: what is done already, and where the next masks go.

    Args:
        folder: made if need be.
        plan: what is made of every picture.
        rank: number of this process where several share the pictures.
        ledger: knows which files may be replaced; one that allows none but our own if not given.

    Raises:
        LatentsegError: if it cannot be written, or another run is writing there.
    """

    def __init__(self, folder: Path, plan: BatchPlan, *, rank: int = 0, ledger: Ledger | None = None) -> None:
        self.folder = folder
        self.plan = plan
        self._formats = [format_named(name) for name in plan.formats]
        self._fingerprint = _fingerprint(plan)
        self._work = folder / WORK
        self._rank = rank
        self._ledger = ledger or Ledger()
        self._log: AppendFile | None = None
        self._log_lock = threading.Lock()
        make_folder(self._work)
        self._lock = ProjectLock(self._work / f"lock-{rank}")
        if not self._lock.acquire():
            raise LatentsegError(
                f"Another run is writing to “{shown(folder.name)}”.",
                action="Wait for it, or choose another folder.",
            )
        try:
            self._done = self._read_logs()
        except BaseException:
            self._lock.release()
            raise

    def is_done(self, item: BatchItem) -> bool:
        """Whether an earlier run has made everything of this picture, as it is now."""
        return _is_done(self.folder, self._done, item)

    def check(self, items: Sequence[BatchItem]) -> None:
        """Raise `ForeignFileError` if making ``items`` would replace files that are not ours; slow."""
        self._ledger.check(self.plan.targets(self.folder, items))

    def write(self, item: BatchItem, mask: MaskItem) -> tuple[Path, ...]:
        """Write all that is made of one picture, and remember it; may run in several threads.

        Raises:
            LatentsegError: if something cannot be written; the picture counts as not done then.
        """
        stamp = file_stamp(item.path)
        mask = replace(mask, picture=self.plan.picture(item))
        files = [file for each in self._formats for file in self._files_of(each, mask)]
        parts = self._write_parts(mask)
        written = write_files(self.folder, files, self._ledger)
        names = [name for name, _ in files] + parts
        record = {"key": _key(item), "stem": item.stem, "name": item.name, "files": names}
        self._append({**record, "size": stamp[0], "mtime_ns": stamp[1]})
        self._done[_key(item)] = {**record, "size": stamp[0], "mtime_ns": stamp[1]}
        return written

    def finish(self, items: Sequence[BatchItem], failed: Iterable[BatchItem] = ()) -> tuple[Path, ...]:
        """Write what belongs to all pictures: what was done by every process goes into it.

        Args:
            items: all of them, in order.
            failed: those that could not be made. Without any, nothing is left to be remembered.

        Returns:
            The files that belong to all of them.

        Raises:
            LatentsegError: if something cannot be written.
        """
        self._done = self._read_logs()
        done = [item for item in items if self.is_done(item)]
        files: list[File] = []
        for each in self._formats:
            below = self.plan.folder_of(each.name)
            shared = each.folder_files(self.plan.classes) if each.folder_files is not None else []
            files += [(below + name, data) for name, data in shared]
            if each.combine is not None:
                joined = each.combine.join(self._parts(each.name, done), self.plan.classes)
                files += [(below + name, data) for name, data in zip(each.combine.names, joined, strict=True)]
        written = write_files(self.folder, files, self._ledger)
        if not list(failed):
            self.discard()
        return written

    def discard(self) -> None:
        """Let go of the folder and remember nothing; the masks that were written stay."""
        self.close()
        shutil.rmtree(self._work, ignore_errors=True)

    def close(self) -> None:
        """Let go of the folder; what is done stays remembered."""
        if self._log is not None:
            self._log.close()
            self._log = None
        self._lock.release()

    def _files_of(self, mask_format: MaskFormat, mask: MaskItem) -> list[File]:
        if mask_format.combine is not None:
            return []
        below = self.plan.folder_of(mask_format.name)
        return [(below + name, data) for name, data in encoded_files(mask_format, mask, self.plan.classes)]

    def _write_parts(self, mask: MaskItem) -> list[str]:
        """What the picture adds to files of many, kept until all are there."""
        names = []
        for each in self._formats:
            if each.combine is not None:
                name = _part_name(each.name, mask.stem)
                data = combined_part(each.combine, mask, self.plan.classes)
                make_folder((self.folder / name).parent)
                atomic_write(self.folder / name, data)
                names.append(name)
        return names

    def _parts(self, format_name: str, items: Sequence[BatchItem]) -> Iterator[bytes]:
        for item in items:
            yield (self.folder / _part_name(format_name, item.stem)).read_bytes()

    def _append(self, record: dict[str, Any]) -> None:
        with self._log_lock:
            if self._log is None:
                path = self._work / f"done-{self._rank}.log"
                self._log = AppendFile(path, keep=_whole_bytes(path, self._fingerprint))
                if self._log.size == 0:
                    self._log.append(_line({"format": _FORMAT, "settings": self._fingerprint}))
            self._log.append(_line(record))

    def _read_logs(self) -> dict[str, dict[str, Any]]:
        """What was done by this process and the others, with the same settings; old settings are forgotten."""
        own = self._work / f"done-{self._rank}.log"
        if not _read_log(own, self._fingerprint)[1]:
            remove_file(own)
        return _read_logs(self._work, self._fingerprint)


def done_before(folder: Path, plan: BatchPlan, items: Iterable[BatchItem]) -> set[BatchItem]:
    """The pictures that an earlier run into this folder has made; nothing is changed."""
    done = _read_logs(folder / WORK, _fingerprint(plan))
    return {item for item in items if _is_done(folder, done, item)} if done else set()


def _is_done(folder: Path, done: dict[str, dict[str, Any]], item: BatchItem) -> bool:
    record = done.get(_key(item))
    if record is None or record.get("stem") != item.stem or record.get("name") != item.name:
        return False
    files = record.get("files")
    is_same = [record.get("size"), record.get("mtime_ns")] == file_stamp(item.path)
    return is_same and isinstance(files, list) and all((folder / str(each)).is_file() for each in files)


def _read_logs(work: Path, fingerprint: str) -> dict[str, dict[str, Any]]:
    done: dict[str, dict[str, Any]] = {}
    for path in sorted(work.glob("done-*.log")):
        records, is_ours, _ = _read_log(path, fingerprint)
        if is_ours:
            done |= {str(record.get("key")): record for record in records}
    return done


def _fingerprint(plan: BatchPlan) -> str:
    classes = [(entry.name, entry.colour) for entry in plan.classes]
    text = json.dumps([_FORMAT, plan.formats, classes, plan.settings, plan.links_pictures])
    return hashlib.sha256(text.encode()).hexdigest()


def _key(item: BatchItem) -> str:
    return f"{os.path.abspath(item.path)}#{item.frame}"


def file_stamp(path: Path) -> list[int | None]:
    """Size and time of a file; whether it is still the one that was read."""
    try:
        status = path.stat()
    except OSError:
        return [None, None]
    return [status.st_size, status.st_mtime_ns]


def _part_name(format_name: str, stem: str) -> str:
    return f"{WORK}/{format_name}/{stem}.json"


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def _whole_bytes(path: Path, fingerprint: str) -> int:
    """How much of a log can be kept: up to its last whole line, nothing if it is of other settings."""
    _, is_ours, size = _read_log(path, fingerprint)
    return size if is_ours else 0


def _read_log(path: Path, fingerprint: str) -> tuple[list[dict[str, Any]], bool, int]:
    """The records of a log, whether it is of these settings, and the bytes of its whole lines."""
    try:
        with open_regular(path) as file:
            data = file.read(_MAX_LOG)
    except OSError:
        return [], False, 0
    records: list[dict[str, Any]] = []
    size = 0
    for line in data.splitlines(keepends=True):
        try:
            record = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n") or not isinstance(record, dict):
            break
        records.append(record)
        size += len(line)
    is_ours = bool(records) and records[0].get("settings") == fingerprint
    return records[1:], is_ours, size
