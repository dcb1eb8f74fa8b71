"""What works an edit out in another thread, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from latentseg_gui.commands.command import Command
from latentseg_gui.commands.masks.class_work import FrozenMasks, PreparedClassEdit
from latentseg_gui.commands.masks.classes import ClassEdit
from latentseg_gui.commands.masks.patch import MaskPatch, PreparedPatch
from latentseg_gui.commands.source import FrozenMask, MasksSource
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.prediction import Prediction

Make = Callable[..., MaskPatch | None]
"""Works a step out from the `MaskSource` it is given, and from nothing else; None where nothing would change."""


MakeClasses = Callable[[MasksSource], ClassEdit]
"""Works a step out from all masks, and from nothing else."""


class Frozen(Protocol):
    """What an edit is worked out from."""

    def is_current(self, document: Document) -> bool:
        """Whether the document is still like that."""


class Prepared(Protocol):
    """A step with everything worked out that applying it, or taking it back, takes."""

    @property
    def command(self) -> Command:
        """The step."""

    def apply(self, document: Document) -> None:
        """Apply it, or take it back, whichever it was worked out for."""


@dataclass(frozen=True, slots=True)
class EditAnswer:
    """What became of a `LargeEdit`; None where nothing has to be changed."""

    frozen: Frozen
    prepared: Prepared | None


class LargeEdit(Protocol):
    """Called in another thread."""

    def __call__(self) -> EditAnswer:
        """The step, ready to be applied."""

    def give_up(self) -> None:
        """Nobody waits for it any more."""


@dataclass(frozen=True, slots=True)
class EditRequest:
    """What is worked out, and for which state of the mask."""

    frozen: FrozenMask
    make: Make

    def __call__(self) -> EditAnswer:
        """The step, ready to be applied."""
        patch = self.make(self.frozen)
        if patch is None:
            return EditAnswer(self.frozen, None)
        return EditAnswer(self.frozen, PreparedPatch.of(patch, self.frozen.layer(patch.image_id).labels))

    def give_up(self) -> None:
        """One mask is soon done."""


@dataclass(frozen=True, slots=True)
class ClassRequest:
    """What is worked out for all masks of the document, and for which state of them."""

    frozen: FrozenMasks
    make: MakeClasses
    is_undone: bool = False

    def __call__(self) -> EditAnswer:
        """The step, ready to be applied or taken back."""
        edit = self.make(self.frozen)
        changes = edit.undo_changes if self.is_undone else edit.changes
        return EditAnswer(self.frozen, PreparedClassEdit.of(edit, self.frozen, changes))

    def give_up(self) -> None:
        """Ends with the image that is at work."""
        self.frozen.given_up.set()


@dataclass(frozen=True, slots=True)
class LatePredictions:
    """An edit of classes that is worked out but for predictions which came meanwhile."""

    frozen: FrozenMasks
    prepared: PreparedClassEdit
    predictions: Mapping[str, Prediction]

    def __call__(self) -> EditAnswer:
        """The same step, with these predictions, too."""
        return EditAnswer(self.frozen, self.prepared.with_predictions(self.predictions))

    def give_up(self) -> None:
        """A few predictions are soon done."""


def still_to_do(answer: EditAnswer, document: Document) -> LargeEdit | None:
    """What has to be worked out before an answer can be taken; None where it can be taken as it is."""
    frozen, prepared = answer.frozen, answer.prepared
    if not isinstance(prepared, PreparedClassEdit) or not isinstance(frozen, FrozenMasks):
        return None
    late = prepared.late(document)
    return LatePredictions(frozen, prepared, late) if late else None


def known_classes(frozen: FrozenMasks, edit: ClassEdit, *, is_undone: bool) -> ClassRequest:
    """Prepares a step that is known already."""
    return ClassRequest(frozen, lambda source: edit, is_undone)
