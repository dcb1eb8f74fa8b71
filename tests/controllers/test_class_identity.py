"""Whatever is done to classes, a pixel is of the class it was given: on the screen, in files, for training."""

import io
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from PIL import Image

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks import classes as edits
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.controllers.images.display import describe_pixel, label_colours
from latentseg_gui.controllers.prediction.class_mapping import LabelMap
from latentseg_gui.controllers.transfer.mask_snapshots import snapshot_of
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.palette import rgb_from_hex
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import UNLABELLED, Rect
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.masks.rasters import array_npy
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import save_project

SHAPE = (4, 6)
_pick = st.integers(0, 20)


class Model:
    """What a person would expect: names in an order, and the name that each pixel has."""

    def __init__(self):
        self.names = ["background", "object"]
        self.mask = np.full(SHAPE, "", object)
        self.said = np.full(SHAPE, "background", object)

    def copy(self):
        other = Model()
        other.names, other.mask, other.said = list(self.names), self.mask.copy(), self.said.copy()
        return other

    def replace(self, name, in_mask, in_prediction):
        self.mask[self.mask == name] = in_mask
        self.said[self.said == name] = in_prediction


class Classes(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(self.folder / "photo.png")
        document = Document()
        self.image_id = document.images.add_path(self.folder / "photo.png")
        document.records.attach(read_image(self.folder / "photo.png", image_id=self.image_id))
        self.session = save_project(document, self.folder / "work")
        self.model, self.made = Model(), 0
        self.begin(document)

    def teardown(self):
        self.session.abandon()
        shutil.rmtree(self.folder)

    def begin(self, document):
        self.document, self.history, self.states = document, History(document), [self.model.copy()]
        self.predict(0)

    def do(self, command):
        position = self.history.position
        self.history.do(command)
        if self.history.position == position:  # nothing had to be changed
            return
        self.states[position + 1 :] = [self.model.copy()]

    def stepped(self):
        """Masks and table go back; predictions, which are derived, keep what they became."""
        before = self.model
        self.model = self.states[self.history.position].copy()
        self.model.said = before.said
        gone = ~np.isin(self.model.said.astype(str), self.model.names)
        if gone.any():  # a class that was only just added, or renamed
            self.predict(0)

    def name(self, pick, *, first=1):
        names = self.model.names[first:]
        return names[pick % len(names)] if names else None

    @rule(pick=_pick, row=st.integers(0, 3), col=st.integers(0, 5), size=st.integers(1, 4))
    def paint(self, pick, row, col, size):
        rect = Rect(row, col, row + size, col + size).clipped(SHAPE)
        name = self.name(pick, first=0)
        self.model.mask[rect.slices] = name
        ink = Ink(self.document.classes.id_of(name))
        self.do(area_patch(self.document, self.image_id, rect, np.ones(rect.shape, np.bool_), ink, "Fill"))

    @rule(seed=st.integers(0, 9))
    def predict(self, seed):
        """By weights that know the classes of the table, in another order, and one more."""
        names = [*self.model.names[::-1], "unheard of"]
        numbers = np.random.default_rng(seed).integers(0, len(names) - 1, SHAPE).astype(np.uint8)
        self.model.said = np.array(names, object)[numbers]
        labels = LabelMap.named(tuple(names)).to_document(numbers, self.document.classes)
        self.document.predictions.set(Prediction(self.image_id, "v1", labels, labels))

    @rule()
    def add(self):
        self.made += 1
        self.model.names.append(f"class {self.made}")
        self.do(edits.add_class(self.document, f"class {self.made}"))

    @rule(pick=_pick, number=_pick)
    def move(self, pick, number):
        name = self.name(pick)
        if name is not None:
            number = 1 + number % (len(self.model.names) - 1)
            self.model.names.remove(name)
            self.model.names.insert(number, name)
            self.do(edits.move_class(self.document, self.document.classes.id_of(name), number))

    @rule(pick=_pick)
    def rename(self, pick):
        name = self.name(pick)
        if name is not None:
            self.made += 1
            new = f"name {self.made}"
            self.model.names[self.model.names.index(name)] = new
            self.model.replace(name, new, new)
            self.do(edits.rename_class(self.document, self.document.classes.id_of(name), new))

    @rule(pick=_pick, other=_pick, is_unlabelled=st.booleans())
    def delete(self, pick, other, is_unlabelled):
        name, into = self.name(pick), self.name(other, first=0)
        if name is None or name == into:
            return
        classes = self.document.classes
        self.model.names.remove(name)
        if is_unlabelled:
            self.model.replace(name, "", "background")
            self.do(edits.delete_class(self.document, classes.id_of(name), UNLABELLED))
        else:
            self.model.replace(name, into, into)
            self.do(edits.merge_classes(self.document, classes.id_of(name), classes.id_of(into)))

    @precondition(lambda self: self.history.can_undo)
    @rule()
    def undo(self):
        self.history.undo()
        self.stepped()

    @precondition(lambda self: self.history.can_redo)
    @rule()
    def redo(self):
        self.history.redo()
        self.stepped()

    @rule()
    def save_and_open_again(self):
        save_project(self.document, self.folder / "work", self.session)
        self.session.close()
        opened = open_project(self.folder / "work")
        assert not opened.notices
        self.session = opened.session
        opened.document.records.attach(read_image(self.folder / "photo.png", image_id=self.image_id))
        self.begin(opened.document)

    @invariant()
    def the_screen_shows_what_was_meant(self):
        classes, labels = self.document.classes, self.document.masks.labels(self.image_id)
        assert list(classes.names) == self.model.names
        shown = label_colours(self.document)[labels]
        for name, entry in zip(self.model.names[1:], classes.classes[1:], strict=True):
            assert (shown[self.model.mask == name] == (*rgb_from_hex(entry.colour), 255)).all()
        assert (shown[np.isin(self.model.mask, ["", "background"])][:, 3] == 0).all()
        for rc in ((0, 0), (3, 5)):
            name = self.model.mask[rc] or self.model.said[rc]
            wanted = f"{name} (labelled)" if self.model.mask[rc] else f"{name} "
            assert wanted in describe_pixel(self.document, self.image_id, rc)

    @invariant()
    def files_hold_numbers_in_the_order_of_the_table(self):
        item = snapshot_of(self.document, self.image_id, "photo").item(["npy"])
        numbers = np.load(io.BytesIO(array_npy(item, self.document.classes.numbered)))
        wanted = np.where(self.model.mask == "", self.model.said, self.model.mask)
        assert (np.array(self.model.names, object)[numbers] == wanted).all()

    @invariant()
    def the_mask_counts_what_is_labelled(self):
        layer = self.document.masks.layer(self.image_id)
        assert layer.num_labelled == (self.model.mask != "").sum()


Classes.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestClasses = Classes.TestCase
