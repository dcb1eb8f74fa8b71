"""What a window that ended without a word left behind, told so that a user can decide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDateTime

from latentseg_gui.document.document import Document
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project.manifest import MANIFEST, SHIPPED, WeightsList
from latentseg_gui.io.project.opening import OpenedProject

_NAMED = 3


def question(opened: OpenedProject, *, is_untitled: bool, is_asked_for: bool, in_the_way: str) -> str:
    """Which images, when, how many changes and which trained versions; and what each button means.

    Args:
        opened: what was left behind.
        is_untitled: whether it is in no project of the user.
        is_asked_for: whether the user wants this project opened; else it is offered.
        in_the_way: name of the project that is open, which it would take the place of; "" for none.
    """
    name = shown(opened.session.folder.name)
    if is_untitled:
        head = _tr("latentseg ended unexpectedly{0}. This was not saved:").format(_when(opened))
    else:
        head = _tr("“{0}” was not closed properly. Since its last save there were{1}:")
        head = head.format(name, _until(opened))
    lines = [head, *(f"•  {line}" for line in _contents(opened))]
    if opened.recovery is not None and opened.recovery.is_damaged:
        lines.append(_tr("The very last change cannot be read."))
    return "\n".join([*lines, "", *_buttons(name, is_untitled, is_asked_for, in_the_way)])


def _buttons(name: str, is_untitled: bool, is_asked_for: bool, in_the_way: str) -> list[str]:
    restore = _tr("Restore: go on with it, and save it yourself.")
    if in_the_way:
        restore = _tr("Restore: go on with it in the place of “{0}”.").format(in_the_way)
    discard = _tr("Discard: it is gone, and not offered again.")
    if not is_untitled:
        discard = _tr("Discard: it is gone, and “{0}” opens as it was saved.").format(name)
    later = _tr("Cancel: leave it; it is offered again at the next start.")
    if is_asked_for:
        later = _tr("Cancel: leave “{0}” closed, and everything as it is.").format(name)
    copy = _tr("Open as copy: save it as a project in another folder, and go on there.")
    return [restore, copy, discard, later]


def _contents(opened: OpenedProject) -> list[str]:
    lines = []
    recovery, document = opened.recovery, opened.document
    changed = () if recovery is None else recovery.image_ids
    fresh = {} if recovery is None else recovery.names
    names = _listed([_name(document, fresh, each) for each in changed or document.masks.labelled_ids()])
    count = 0 if recovery is None else recovery.count
    if count and names:
        one, many = _tr("the mask of {1} (1 change)"), _tr("the masks of {1} ({0} changes)")
        lines.append((one if count == 1 else many).format(count, names))
    elif count:
        one, many = _tr("the classes (1 change)"), _tr("the classes ({0} changes)")
        lines.append((one if count == 1 else many).format(count))
    elif names:
        lines.append(_tr("the masks of {0}").format(names))
    saved = None if opened.session.is_read_only else opened.session.manifest.weights
    listed = saved if recovery is None or recovery.weights is None else recovery.weights
    lines += _versions(listed, saved if recovery is not None else None)
    return lines or [_tr("which images were open")]


def _versions(listed: WeightsList | None, saved: WeightsList | None) -> list[str]:
    if listed is None:
        return []
    known = set() if saved is None else {version.name for version in saved.versions}
    new = [version for version in listed.versions if version.name not in known]
    trained = [f"“{version.name}”" for version in new if version.images]
    opened = [f"“{version.name}”" for version in new if not version.images]
    lines = []
    if trained:
        one, many = (
            _tr("the trained version {0} of the weights"),
            _tr("the trained versions {0} of the weights"),
        )
        lines.append((one if len(trained) == 1 else many).format(_listed(trained)))
    if opened:
        lines.append(_tr("weights that were opened: {0}").format(_listed(opened)))
    before = SHIPPED if saved is None else saved.in_use
    if listed.in_use != before:
        lines.append(_tr("“{0}” was in use").format(listed.in_use))
    return lines


def _name(document: Document, fresh: dict[str, str], image_id: str) -> str:
    if document.images.has(image_id):
        return shown(document.images.name(image_id))
    return shown(fresh.get(image_id, image_id))


def _listed(names: Sequence[str]) -> str:
    """A few names in words."""
    if len(names) > _NAMED + 1:
        return _tr("{0} and {1} more").format(", ".join(names[:_NAMED]), len(names) - _NAMED)
    if len(names) > 1:
        return _tr("{0} and {1}").format(", ".join(names[:-1]), names[-1])
    return names[0] if names else ""


def _when(opened: OpenedProject) -> str:
    text = _time(opened)
    return _tr(" on {0}").format(text) if text else ""


def _until(opened: OpenedProject) -> str:
    text = _time(opened)
    return _tr(", until {0}").format(text) if text else ""


def _time(opened: OpenedProject) -> str:
    """When it was last written to, on the user's clock; "" if unknown."""
    seconds = None if opened.recovery is None else opened.recovery.when
    seconds = _modified(opened.session.folder / MANIFEST) if seconds is None else seconds
    if seconds is None:
        return ""
    return QDateTime.fromSecsSinceEpoch(int(seconds)).toString("yyyy-MM-dd HH:mm")


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _tr(text: str) -> str:
    return QCoreApplication.translate("Recovery", text)
