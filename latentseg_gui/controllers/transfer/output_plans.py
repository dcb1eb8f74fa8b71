"""What a choice of images, formats and folder comes to, before anything is written."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.io.images.reading import ImageError, probe
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.masks import FORMATS
from latentseg_gui.io.naming import common_folder, picture_name, stems_of
from latentseg_gui.io.paths import shown
from latentseg_gui.io.transfer.batch import BatchItem, BatchPlan
from latentseg_gui.panels.output import OutputChoice

_SHOWN = 4
_BESIDE = "_mask"
_LOSSES = {
    "unlabelled": "unlabelled pixels cannot be told from background.",
    "instances": "the numbers of the objects are not kept.",
    "everything": "for looking at; the mask cannot be read back from it.",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A picture: a page of a file, and the image of the document that it is, if it is one."""

    path: Path
    frame: int = 0
    image_id: str = ""


def pages_of(document: Document, image_ids: Sequence[str]) -> tuple[Page, ...]:
    """The files of images of the document."""
    return tuple(
        Page(document.images.path(each) or Path(each), document.images.frame(each), each)
        for each in image_ids
    )


@dataclass(frozen=True, slots=True)
class Output:
    """A choice in terms of the document.

    Attributes:
        folder: where to write.
        plan: what is made of every image.
        items: the images, with the names of their files.
        image_ids: which ones of the document they are; "" for those that are not of the document.
        is_completed, may_replace: as of `OutputChoice`.
    """

    folder: Path
    plan: BatchPlan
    items: tuple[BatchItem, ...]
    image_ids: tuple[str, ...] = ()
    is_completed: bool = True
    may_replace: bool = False

    @classmethod
    def of(
        cls,
        pages: Sequence[Page],
        choice: OutputChoice,
        classes: ClassTable,
        settings: str = "",
        *,
        whole: bool,
    ) -> Output:
        """The output for images; looks into files, so call it in a background thread.

        Args:
            pages: the images.
            choice: what the user chose.
            classes: of the masks.
            settings: as of `BatchPlan`.
            whole: whether all other pages of their files are meant too.
        """
        wanted = _all_pages(pages) if whole else list(pages)
        root = choice.source or common_folder([page.path for page in wanted])
        stems = stems_of([(page.path, page.frame) for page in wanted], root)
        items = tuple(
            BatchItem(page.path, page.frame, stem, picture_name(page.path, page.frame, root))
            for page, stem in zip(wanted, stems, strict=True)
        )
        plan = BatchPlan(choice.formats, classes, settings, choice.links_pictures)
        ids = tuple(page.image_id for page in wanted)
        whole_choice = (choice.is_completed, choice.may_replace)
        return cls(choice.folder, plan, items, ids, *whole_choice).beside_images()

    def beside_images(self) -> Output:
        """The same with other names, if a mask would take the place of an image."""
        planned = set(self.plan.targets(self.folder, self.items))
        if not planned & {item.path for item in self.items}:
            return self
        return replace(self, items=tuple(replace(item, stem=item.stem + _BESIDE) for item in self.items))


@dataclass(frozen=True, slots=True)
class OutputPreview:
    """What would be written.

    Attributes:
        names: of the files, relative to ``folder``.
        folder: where they would be.
        existing: how many of them are there already.
        foreign: those that are there and that latentseg did not write, or that have changed since.
        may_replace: whether even these may be replaced.
        done: images that an earlier run has made, which are not made again.
        remarks: what the formats cannot hold.
        total: images.
        has_model: whether the model can be asked where that is needed.
    """

    names: tuple[str, ...]
    folder: Path
    existing: int
    done: int
    remarks: tuple[str, ...]
    total: int
    has_model: bool = True
    foreign: tuple[str, ...] = ()
    may_replace: bool = False

    @property
    def can_go(self) -> bool:
        """Whether there is anything to do, and it can be done."""
        is_allowed = not self.foreign or self.may_replace
        return self.total > 0 and self.has_model and is_allowed

    def text(self) -> str:
        """A few lines for the user."""
        if not self.total:
            return _tr("There are no images to write masks for.")
        names = _listed(self.names)
        files = _tr("1 file in “{1}”: {2}") if len(self.names) == 1 else _tr("{0} files in “{1}”: {2}")
        lines = [files.format(len(self.names), shown(self.folder), names)]
        if self.done:
            text = _tr("{0} of {1} images were done by a run that did not finish; this one goes on with it.")
            lines.append(text.format(self.done, self.total))
        elif own := self.existing - len(self.foreign):
            lines.append(_tr("{0} of them exist already and will be replaced.").format(own))
        if self.foreign:
            text = _tr("{0} of them were not written by latentseg, or have changed since: {1}.")
            lines.append(text.format(len(self.foreign), _listed(self.foreign)))
        return "\n".join([*lines, *self.remarks])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _all_pages(pages: Sequence[Page]) -> list[Page]:
    """With the pages of the same files that nobody has looked at yet, in their order."""
    known: dict[Path, dict[int, Page]] = {}
    for page in pages:
        known.setdefault(page.path, {})[page.frame] = page
    found: list[Page] = []
    for path, listed in known.items():
        count = _frames(path)
        found += (
            [listed.get(frame) or Page(path, frame) for frame in range(count)]
            if count > 1
            else listed.values()
        )
    return found


def _frames(path: Path) -> int:
    """Pages of a file; one that cannot be read has one, which says so when its turn comes."""
    try:
        return probe(path).frames
    except ImageError:
        return 1


def preview_of(
    output: Output,
    done: Collection[BatchItem] | None = None,
    *,
    predicted: int = 0,
    no_model: str = "",
) -> OutputPreview:
    """Look what is there; call it in a background thread.

    Args:
        output: what is to be written.
        done: images that an earlier run has made.
        predicted: images that the model has to be asked for.
        no_model: why it cannot be, as a sentence; "" where it can.
    """
    targets = output.plan.targets(output.folder, output.items)
    names = tuple(path.relative_to(output.folder).as_posix() for path in targets)
    there = [path for path in targets if os.path.lexists(path)] if output.folder.is_dir() else []
    waiting = targets
    if done is not None:
        waiting = output.plan.targets(output.folder, [item for item in output.items if item not in done])
    foreign = Ledger().foreign(set(there) & set(waiting))
    remarks = _remarks(output.plan.formats)
    if predicted:
        remarks = (_predicted(predicted, no_model), *remarks)
    return OutputPreview(
        names=names,
        folder=output.folder,
        existing=len(there),
        done=len(done or ()),
        remarks=remarks,
        total=len(output.items),
        has_model=not (no_model and predicted),
        foreign=tuple(sorted(path.relative_to(output.folder).as_posix() for path in foreign)),
        may_replace=output.may_replace,
    )


def _predicted(count: int, no_model: str) -> str:
    """What is to be said of images that have no prediction, or not the one that is wanted."""
    if no_model:
        text = _tr("{0} images have to be predicted first. {1}")
        one = _tr("The image has to be predicted first. {1}")
    else:
        text = _tr("{0} images are predicted for this, with what is switched on in the Model menu.")
        one = _tr("The image is predicted for this, with what is switched on in the Model menu.")
    return (one if count == 1 else text).format(count, no_model)


def _remarks(formats: Sequence[str]) -> tuple[str, ...]:
    """What formats lose, as far as it is known without looking at the masks; a sentence per kind of loss."""
    remarks = []
    for loss, sentence in _LOSSES.items():
        losing = [FORMATS[name].label for name in formats if loss in FORMATS[name].loses]
        if losing:
            remarks.append(f"{'; '.join(losing)}: {_tr(sentence)}")
    return tuple(remarks)


def _tr(text: str) -> str:
    return QCoreApplication.translate("OutputPreview", text)
