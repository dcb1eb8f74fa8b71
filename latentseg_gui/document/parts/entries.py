"""What a document holds of each image, shared by its parts, and what it tells its views."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from psygnal import Signal, SignalGroup

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import MaskLayer
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal, PointedObject, PromptSet
from latentseg_gui.document.types import ImageRecord, Rect


class DocumentEvents(SignalGroup):
    """The signals of a `Document`; all are emitted in the thread that made the change."""

    images_changed = Signal()
    """Images were added, removed, or all replaced."""
    current_changed = Signal(object)
    """Another image is looked at: its id, or None."""
    record_changed = Signal(str)
    """The pixels of an image were read or let go."""
    mask_changed = Signal(str, Rect)
    """Labels, provenance or instances of an image changed inside a rectangle."""
    prediction_changed = Signal(str)
    """The prediction of an image came, went, or became stale."""
    proposal_changed = Signal(str)
    """The proposal of an image came or went."""
    prompts_changed = Signal(str)
    """The clicks on an image changed."""
    earlier_changed = Signal(str)
    """The objects of an image that were pointed at before, and wait to be accepted, changed."""
    maker_changed = Signal(str, int)
    """It was said of an object, by image and number, which click model made it."""
    marks_changed = Signal(str)
    """Which objects of an image are hidden or locked changed."""
    classes_changed = Signal()
    """The table of classes changed."""
    status_changed = Signal(str)
    """The status of an image, as the file list shows it, changed."""
    dirty_changed = Signal(bool)
    """Whether there is something to save changed."""
    active_class_changed = Signal(int)
    """Another class is painted with."""


class ImageStatus(StrEnum):
    """How far an image is, for the file list."""

    NEW = "new"
    PREDICTED = "predicted"
    CORRECTED = "corrected"
    ACCEPTED = "accepted"
    STALE = "stale"
    ERROR = "error"


@dataclass(slots=True)
class ImageEntry:
    """Everything the document holds of one image."""

    path: Path | None
    frame: int = 0
    record: ImageRecord | None = None
    layer: MaskLayer | None = None
    prediction: Prediction | None = None
    is_stale: bool = False
    proposal: MaskProposal | None = None
    prompts: PromptSet = field(default_factory=PromptSet)
    earlier: tuple[PointedObject, ...] = ()
    makers: dict[int, str] = field(default_factory=dict)
    error: LatentsegError | None = None
    shown_status: ImageStatus = ImageStatus.NEW
    last_used: int = 0

    @property
    def record_bytes(self) -> int:
        """Memory that the pixels take."""
        if self.record is None:
            return 0
        pixels, source = self.record.pixels, self.record.source
        return pixels.nbytes + (0 if source is pixels else source.nbytes)

    def status(self) -> ImageStatus:
        """The status that follows from what is held."""
        if self.error is not None:
            return ImageStatus.ERROR
        if self.layer is not None and self.layer.num_labelled:
            rows, cols = self.layer.shape
            is_whole = self.layer.num_labelled == rows * cols
            return ImageStatus.ACCEPTED if is_whole else ImageStatus.CORRECTED
        if self.prediction is None:
            return ImageStatus.NEW
        return ImageStatus.STALE if self.is_stale else ImageStatus.PREDICTED


class Entries:
    """The entries of a document by image, and whether anything of it has to be saved.

    Only the parts of a `Document` use it; everybody else asks these.
    """

    def __init__(self) -> None:
        self.events = DocumentEvents()
        self.by_id: dict[str, ImageEntry] = {}
        self.current_id: str | None = None
        self.revision = 0
        """Grows with every change that is worth saving."""
        self.is_dirty = False
        self.is_kept = False
        """Whether it was saved once: from then on changes of the list are worth saving, too."""

    def get(self, image_id: str) -> ImageEntry:
        """The entry of an image.

        Raises:
            LatentsegError: if there is no such image.
        """
        entry = self.by_id.get(image_id)
        if entry is None:
            raise LatentsegError(
                f"There is no image “{image_id}” in this project.", action="Choose an image of the list."
            )
        return entry

    def layer(self, image_id: str) -> MaskLayer:
        """The mask of an image.

        Raises:
            LatentsegError: if the image was never read, so that its size is not known.
        """
        layer = self.get(image_id).layer
        if layer is None:
            raise LatentsegError(
                f"“{self.name(image_id)}” has not been read yet.", action="Open the image first."
            )
        return layer

    def name(self, image_id: str) -> str:
        """What to call the image; bytes of a file name that are no text are shown as "�"."""
        entry = self.get(image_id)
        if entry.path is None:
            return image_id
        name = os.fsencode(entry.path.name).decode("utf-8", errors="replace")
        return f"{name} [{entry.frame + 1}]" if entry.frame else name

    def check_status(self, image_id: str) -> None:
        """Say so if the status of an image is no longer the one that is shown."""
        entry = self.by_id[image_id]
        status = entry.status()
        if status is not entry.shown_status:
            entry.shown_status = status
            self.events.status_changed.emit(image_id)

    def set_dirty(self, is_dirty: bool) -> None:
        """Note a change that is worth saving, or that everything is saved."""
        self.revision += is_dirty
        if is_dirty != self.is_dirty:
            self.is_dirty = is_dirty
            self.events.dirty_changed.emit(is_dirty)

    def note_list_change(self) -> None:
        """Note a change of the list of images, which is worth saving only in a project that is kept."""
        self.set_dirty(self.is_dirty or self.is_kept)
