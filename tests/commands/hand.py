"""A hand that edits one image as a person would: accepts, paints, erases."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, StrokeRecorder
from latentseg_gui.commands.prediction.proposals import accept_proposal
from latentseg_gui.controllers.transfer.mask_snapshots import snapshot_of
from latentseg_gui.document.masks.brush import stroke_mask
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.types import Rect
from latentseg_gui.io.masks.values import object_areas
from tests.commands.edit_helpers import document_with

SHAPE = (60, 80)


def disk(row, col, radius, shape=SHAPE):
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2


def proposal_of(image_id, mask):
    rect = Rect.around(mask)
    return MaskProposal(image_id, "shipped", rect, mask[rect.slices], 0.9, PromptSet())


class Hand:
    """Edits one image as a person would."""

    def __init__(self, shape=SHAPE):
        self.shape = shape
        self.document = document_with(shape)
        self.document.set_classes(self.document.classes.added("leaf").added("stem"))
        self.history = History(self.document)
        self.image_id = self.document.images.ids[0]

    def accept(self, mask, class_id=1, **options):
        self.history.do(accept_proposal(self.document, proposal_of(self.image_id, mask), class_id, **options))

    def stroke(self, points, size, class_id=1):
        recorder = StrokeRecorder(self.document, self.image_id, Ink(class_id))
        for start, end in pairwise([points[0], *points]):
            recorder.add(*stroke_mask(start, end, size, self.shape))
        self.history.record(recorder.finish())

    @property
    def labels(self):
        return self.document.masks.labels(self.image_id)

    @property
    def instances(self):
        return self.document.masks.instances(self.image_id)

    def objects(self):
        item = snapshot_of(self.document, self.image_id, "a").item(())
        return list(object_areas(item))
