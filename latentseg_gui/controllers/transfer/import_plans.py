"""What there is to be imported, and for which images, before anything is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from latentseg_gui.document.document import Document
from latentseg_gui.io.images.image_errors import ImageError
from latentseg_gui.io.images.reading import probe
from latentseg_gui.io.masks.candidates import Candidate, Matching, Target, match
from latentseg_gui.io.masks.finding import find_masks
from latentseg_gui.io.masks.reading import stored_shape
from latentseg_gui.io.masks.turning import image_orientation
from latentseg_gui.io.masks.values import Reading
from latentseg_gui.io.naming import page_name, picture_name
from latentseg_gui.io.paths import shown

_STRANGE = "there is no image of this name on the list"


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """An image of the list.

    Attributes:
        image_id: of the document.
        path: its file; None for a pasted picture.
        frame: which page of it.
        shape: (rows, columns); None as long as it was never read.
    """

    image_id: str
    path: Path | None
    frame: int
    shape: tuple[int, int] | None

    @property
    def name(self) -> str:
        """What masks are compared with: the whole path, with "/"."""
        if self.path is None:
            return self.image_id
        return picture_name(self.path, self.frame, Path(self.path.anchor))


@dataclass(frozen=True, slots=True)
class ImportPair:
    """A mask and the image, of a known size, that it is for; ``orientation`` is how that is turned (EXIF)."""

    candidate: Candidate
    image_id: str
    name: str
    shape: tuple[int, int]
    orientation: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """A mask that is not taken over, and why."""

    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What was found.

    Attributes:
        source: what it was found in, for the user.
        kind: what that was taken for.
        pairs: what can be taken over.
        refused: what cannot, though an image of its name is there.
        strangers: masks of images that are not on the list.
        without: how many images of the list have no mask there.
        reading: what pictures among the masks mean.
        notes: what was left out already, for the user.
    """

    source: str
    kind: str
    pairs: tuple[ImportPair, ...]
    refused: tuple[Refusal, ...]
    strangers: tuple[Refusal, ...]
    without: int
    reading: Reading
    notes: tuple[str, ...] = ()

    @property
    def turned(self) -> int:
        """For how many masks their size does not tell whether they were made before the image was turned."""
        return sum(
            each.orientation != 1 and stored_shape(each.shape, each.orientation) == each.shape
            for each in self.pairs
        )

    @property
    def is_open(self) -> bool:
        """Whether something about the masks is to be asked."""
        return bool(self.turned) or not self.reading.is_sure


def import_targets(document: Document) -> tuple[ImportTarget, ...]:
    """The images of the list as they are now."""
    return tuple(
        ImportTarget(
            each, document.images.path(each), document.images.frame(each), document.masks.shape(each)
        )
        for each in document.images.ids
    )


def plan_of(paths: Sequence[Path], targets: Sequence[ImportTarget], current_id: str | None) -> ImportPlan:
    """Look for masks and compare them with the images; slow, so call it in a background thread.

    A single file that is of no other image is for the one that is looked at, whatever its name.

    Raises:
        LatentsegError: if there are no masks, or they cannot be read.
    """
    own = {each.path for each in targets if each.path is not None}
    found = find_masks(paths, own)
    inside = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    # A folder may have been opened with the masks in it: those are no images then.
    masks = set() if inside is None else {each.path for each in found.candidates}
    wanted = [each for each in targets if each.path not in masks]
    by_id = {each.image_id: each for each in wanted}
    matching = match(found.candidates, [_target(each) for each in wanted])
    current = by_id.get(current_id or "")
    is_one_file = len(found.candidates) == 1 and inside is None
    if is_one_file and not matching.pairs and current is not None:
        matching = Matching(((found.candidates[0], current.image_id),), (), ())
    checked = [_checked(candidate, by_id[image_id]) for candidate, image_id in matching.pairs]
    pairs = [each for each in checked if isinstance(each, ImportPair)]
    refused = [each for each in checked if isinstance(each, Refusal)]
    refused += [Refusal(name, f"could belong to {' or '.join(others)}") for name, others in matching.unclear]
    return ImportPlan(
        source=shown(paths[0].name) if len(paths) == 1 else f"{len(paths)} files",
        kind=found.kind,
        pairs=tuple(pairs),
        refused=tuple(refused),
        strangers=tuple(Refusal(each.label, _STRANGE) for each in matching.strangers),
        without=len(wanted) - len(matching.pairs),
        reading=found.reading,
        notes=found.notes,
    )


def _target(target: ImportTarget) -> Target:
    stem = target.image_id if target.path is None else target.path.stem
    return Target(target.image_id, target.name, page_name(stem, target.frame))


def _checked(candidate: Candidate, target: ImportTarget) -> ImportPair | Refusal:
    """The pair, unless it can be seen already that sizes differ."""
    shape = target.shape
    name = Path(target.name).name
    if shape is None and target.path is not None:
        try:
            header = probe(target.path, budget=-1)
        except ImageError as error:
            return Refusal(candidate.label, error.what)
        shape = header.height, header.width
    size, orientation = candidate.size(), image_orientation(target.path)
    if shape is None or (size is not None and size not in (shape, stored_shape(shape, orientation))):
        rows, cols = size or (0, 0)
        found = f"it is {cols} x {rows} pixels" if shape else "its size is not known"
        wanted = f", the image {shape[1]} x {shape[0]}" if shape else ""
        return Refusal(candidate.label, f"{found}{wanted}")
    return ImportPair(candidate, target.image_id, name, shape, orientation)
