"""Any sequence of edits, undone and redone, gives the same document, against plain copies of it."""

from itertools import pairwise

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks import classes as class_edits
from latentseg_gui.commands.masks import cleanup, objects, shapes
from latentseg_gui.commands.masks.patch import Ink, StrokeRecorder, area_patch
from latentseg_gui.commands.prediction.proposals import accept_prediction, accept_proposal, accepted_numbers
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.brush import polygon_mask, stroke_mask
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.types import UNLABELLED, Provenance
from tests.commands.edit_helpers import document_with

SHAPE = (20, 150)
_xy = st.tuples(st.floats(-5, 155), st.floats(-5, 25))
_rc = st.tuples(st.integers(0, 19), st.integers(0, 149))
_image = st.integers(0, 1)


def state(document: Document) -> tuple[object, ...]:
    masks = tuple(
        (
            document.masks.labels(key).tobytes(),
            document.masks.provenance(key).tobytes(),
            document.masks.instances(key).tobytes(),
        )
        for key in document.images.ids
    )
    return (masks, document.classes, document.makers.as_settings())


class Editing(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.document = document_with(SHAPE, SHAPE)
        self.document.set_classes(self.document.classes.added("leaf").added("stem"))
        self.history = History(self.document)
        self.states = [state(self.document)]

    def image(self, index):
        return self.document.images.ids[index]

    def class_id(self, number):
        ids = self.document.classes.ids
        return UNLABELLED if number == 9 else ids[number % len(ids)]

    def did(self, before_entries):
        """Keep a copy of the document if a step was made."""
        position = self.history.position
        if position != before_entries:
            self.states[position:] = [state(self.document)]
        else:
            assert state(self.document) == self.states[position]

    def do(self, command):
        before = self.history.position
        self.history.do(command)
        self.did(before)

    @rule(
        image=_image,
        ways=st.lists(_xy, min_size=2, max_size=4),
        size=st.integers(1, 15),
        number=st.integers(0, 9),
        protect=st.booleans(),
        instance=st.sampled_from([None, 0, 7]),
    )
    def stroke(self, image, ways, size, number, protect, instance):
        before = self.history.position
        ink = Ink(self.class_id(number), Provenance.PAINTED, instance, protect)
        recorder = StrokeRecorder(self.document, self.image(image), ink)
        for start, end in pairwise(ways):
            recorder.add(*stroke_mask(start, end, size, SHAPE))
        self.history.record(recorder.finish())
        self.did(before)

    @rule(
        image=_image,
        ways=st.lists(_xy, min_size=2, max_size=4),
        size=st.integers(1, 15),
        number=st.integers(0, 9),
    )
    def aborted_stroke(self, image, ways, size, number):
        recorder = StrokeRecorder(self.document, self.image(image), Ink(self.class_id(number), instance=3))
        for start, end in pairwise(ways):
            recorder.add(*stroke_mask(start, end, size, SHAPE))
        recorder.abort()
        assert state(self.document) == self.states[self.history.position]

    @rule(image=_image, corners=st.lists(_xy, min_size=3, max_size=6), number=st.integers(0, 9))
    def polygon(self, image, corners, number):
        rect, mask = polygon_mask(corners, SHAPE)
        self.do(
            area_patch(self.document, self.image(image), rect, mask, Ink(self.class_id(number)), "Polygon")
        )

    @rule(
        image=_image,
        corners=st.lists(_xy, min_size=3, max_size=6),
        number=st.integers(0, 8),
        made_by=st.sampled_from(["", "sam", "hq"]),
    )
    def accept_object(self, image, corners, number, made_by):
        rect, mask = polygon_mask(corners, SHAPE)
        image_id, before = self.image(image), self.history.position
        proposal = MaskProposal(image_id, "v1", rect, mask, 0.9, PromptSet(), made_by=made_by)
        (found,) = accepted_numbers(self.document, [proposal], self.class_id(number))
        self.history.do(accept_proposal(self.document, proposal, self.class_id(number)))
        if found and self.history.position != before:
            self.history.name_maker(image_id, found, made_by)
        self.did(before)

    @rule(image=_image, seed=st.integers(0, 9))
    def accept_what_the_model_says(self, image, seed):
        labels = np.random.default_rng(seed).choice(np.array(self.document.classes.ids, np.uint8), SHAPE)
        self.document.predictions.set(Prediction(self.image(image), "v1", labels, labels))
        self.do(accept_prediction(self.document, self.image(image)))

    @rule(image=_image, number=st.integers(0, 8), which=st.integers(0, 4))
    def clean_up(self, image, number, which):
        class_id = self.class_id(number)
        if self.document.classes[class_id].is_locked:
            return
        arguments = self.document, self.image(image), class_id
        if which == 0:
            self.do(cleanup.fill_class_holes(*arguments))
        elif which == 1:
            self.do(cleanup.remove_class_specks(*arguments, 5))
        else:
            operation = (cleanup.smooth_class, cleanup.grow_class, cleanup.shrink_class)[which - 2]
            self.do(operation(*arguments, 2.0))

    @rule(image=_image, one=_rc, other=_rc, xys=st.tuples(_xy, _xy), which=st.integers(0, 2))
    def change_objects(self, image, one, other, xys, which):
        image_id = self.image(image)
        if which == 0:
            self.do(objects.set_object_class(self.document, image_id, one, self.class_id(1)))
        elif which == 1:
            self.do(objects.merge_objects(self.document, image_id, [one, other]))
        else:
            labels = self.document.masks.labels(image_id)
            if labels[one] == UNLABELLED or not self.document.classes[int(labels[one])].is_locked:
                self.do(shapes.split_along(self.document, image_id, one, xys))

    @rule(number=st.integers(1, 8), other=st.integers(0, 9), which=st.integers(0, 5))
    def change_classes(self, number, other, which):
        document = self.document
        count = len(document.classes)
        if which == 0:
            self.do(class_edits.add_class(document, f"class {count} {self.history.position}"))
            return
        one, two = document.classes.ids[1 + number % (count - 1)] if count > 1 else 0, self.class_id(other)
        if one == 0:
            return
        if which == 1 and two not in (0, UNLABELLED):
            self.do(class_edits.move_class(document, one, document.classes.number_of(two)))
        elif which == 2 and two != one:
            self.do(class_edits.delete_class(document, one, two))
        elif which == 3 and two not in (one, UNLABELLED):
            self.do(class_edits.merge_classes(document, one, two))
        elif which == 4:
            self.do(class_edits.lock_class(document, one, not document.classes[one].is_locked))
        else:
            self.do(class_edits.recolour_class(document, one, "#123456"))

    @rule()
    def undo(self):
        self.history.undo()

    @rule()
    def redo(self):
        self.history.redo()

    @rule(position=st.integers(0, 12))
    def jump(self, position):
        self.history.jump_to(position)

    @rule(image=_image)
    def pack(self, image):
        self.document.masks.layer(self.image(image)).pack()

    @precondition(lambda self: self.history.can_redo)
    @rule()
    def redo_everything(self):
        self.history.jump_to(len(self.history.entries))

    @invariant()
    def the_document_is_as_it_was_at_this_position(self):
        assert state(self.document) == self.states[self.history.position]

    @invariant()
    def the_count_of_labelled_pixels_is_right(self):
        for key in self.document.images.ids:
            labels = self.document.masks.labels(key)
            assert self.document.masks.layer(key).num_labelled == np.count_nonzero(labels != UNLABELLED)
            assert set(np.unique(labels).tolist()) <= {*self.document.classes.ids, UNLABELLED}


Editing.TestCase.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)
TestEditing = Editing.TestCase
