"""Labels that are left out for the first part of a run, so that something is there to be chosen by."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from model.training.coverage import hold_out
from model.training.session import TrainingSession
from model.training.types import IGNORED
from model.training.views import LabelledWindow, view_of, with_held_labels

FEWEST: Final = 3
"""So many images must be there for one of them to be left out as a whole; of fewer, some cells are."""

CELLS: Final = 0.25
"""Share of the cells that are left out then."""


class Reserve:
    """Some labels of a session, which can be left out and taken in again.

    Args:
        session: whose pictures are encoded; those that have labels to measure with have no need of this.
    """

    def __init__(self, session: TrainingSession) -> None:
        self._session = session
        self._whole: list[LabelledWindow] = []

    @property
    def is_out(self) -> bool:
        """Whether labels are left out now."""
        return bool(self._whole)

    def leave_out(self) -> None:
        """Turn some of the labels to learn from into labels to measure with; nothing where there are such."""
        session = self._session
        pictures = session.pictures[: session.encoded]
        if any(bool((picture.held != IGNORED).any()) for picture in pictures):
            return
        out = _out_of(pictures, session.config.num_classes)
        if not any(bool(part.any()) for part in out):
            return
        self._whole = pictures
        for index, (picture, part) in enumerate(zip(pictures, out, strict=True)):
            train = torch.where(part, IGNORED, picture.train)
            held = torch.where(part, picture.train, IGNORED)
            session.pictures[index] = made = replace(picture, train=train, held=held)
            features = session.views[index].features
            session.views[index] = view_of(made, features, session.generator, session.things)

    def take_in(self) -> None:
        """Learn from all labels; nothing where none are left out."""
        session = self._session
        if self._whole:
            session.pictures[: len(self._whole)] = self._whole
            session.views[:] = [with_held_labels(view, session.generator) for view in session.views]
            self._whole = []


def _out_of(pictures: list[LabelledWindow], num_classes: int) -> list[Tensor]:
    """Per picture where its labels are left out, bool [H, W]."""
    labels = [picture.train.numpy() for picture in pictures]
    known = [set(np.unique(each).tolist()) - {IGNORED} for each in labels]
    samples = {picture.sample for picture in pictures}
    for sample in sorted(samples) if len(samples) >= FEWEST else ():
        is_out = [picture.sample == sample for picture in pictures]
        others = set().union(*(classes for classes, out in zip(known, is_out, strict=True) if not out))
        shown = set().union(*(classes for classes, out in zip(known, is_out, strict=True) if out))
        if shown and shown <= others:
            return [torch.full(part.shape, out) for part, out in zip(labels, is_out, strict=True)]
    keys = [zlib.crc32(each.tobytes()) for each in labels]
    return [torch.from_numpy(part) for part in hold_out(labels, num_classes, CELLS, keys)]
