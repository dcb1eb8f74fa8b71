from pathlib import Path

import numpy as np
import pytest

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import MaskLayer
from latentseg_gui.document.parts.entries import ImageStatus
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptPoint, PromptSet
from latentseg_gui.document.types import UNLABELLED, ImageRecord, Provenance, Rect

SHAPE = (6, 8)


def record(image_id: str, shape: tuple[int, int] = SHAPE) -> ImageRecord:
    pixels = np.zeros((*shape, 3), np.uint8)
    return ImageRecord(image_id, pixels, pixels)


@pytest.fixture
def document() -> Document:
    document = Document()
    document.records.attach(record(document.images.add_path(Path("a.png"))))
    return document


def heard(document: Document) -> list[tuple[str, tuple[object, ...]]]:
    said: list[tuple[str, tuple[object, ...]]] = []
    document.events.connect(lambda info: said.append((info.signal.name, info.args)))
    return said


def prediction(image_id: str, label: int = 1, shape: tuple[int, int] = SHAPE) -> Prediction:
    return Prediction(image_id, "v1", np.full(shape, label, np.uint8), np.full(shape, 200, np.uint8))


def paint(document: Document, image_id: str, rect: Rect, label: int = 1) -> None:
    document.masks.write(image_id, rect, np.ones(rect.shape, np.bool_), label, Provenance.PAINTED)


def test_files_are_listed_once_and_lazily():
    document = Document()
    said = heard(document)
    ids = document.images.add_paths([Path("a.png"), Path("b.png"), Path("./a.png")])
    assert ids[0] == ids[2] != ids[1]
    assert document.images.ids == (ids[0], ids[1])
    assert said == [("images_changed", ())]
    assert document.records.of(ids[0]) is None
    assert document.images.status(ids[0]) is ImageStatus.NEW
    assert document.images.add_path(Path("a.png"), frame=2) not in ids
    with pytest.raises(LatentsegError, match="not been read"):
        document.masks.labels(ids[0])


def test_an_untouched_mask_takes_no_memory(document):
    image_id = document.images.ids[0]
    assert (document.masks.labels(image_id) == UNLABELLED).all()
    assert not document.masks.instances(image_id).any()
    assert document.masks.layer(image_id).nbytes == 0
    paint(document, image_id, Rect(0, 0, 1, 1))
    assert document.masks.layer(image_id).nbytes == 2 * SHAPE[0] * SHAPE[1]


def test_masks_handed_out_are_read_only(document):
    image_id = document.images.ids[0]
    paint(document, image_id, Rect(0, 0, 2, 2))
    for array in (
        document.masks.labels(image_id),
        document.masks.provenance(image_id),
        document.masks.instances(image_id),
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_painting_tells_the_rectangle_the_status_and_that_there_is_something_to_save(document):
    image_id = document.images.ids[0]
    said = heard(document)
    paint(document, image_id, Rect(1, 2, 3, 5))
    assert said == [
        ("dirty_changed", (True,)),
        ("mask_changed", (image_id, Rect(1, 2, 3, 5))),
        ("status_changed", (image_id,)),
    ]
    assert document.images.status(image_id) is ImageStatus.CORRECTED
    document.mark_saved()
    assert not document.is_dirty


def test_status_follows_from_what_is_there(document):
    image_id = document.images.ids[0]
    document.predictions.set(prediction(image_id))
    assert document.images.status(image_id) is ImageStatus.PREDICTED
    document.predictions.mark_stale()
    assert document.images.status(image_id) is ImageStatus.STALE
    document.predictions.set(prediction(image_id))
    paint(document, image_id, Rect(0, 0, 1, 1))
    assert document.images.status(image_id) is ImageStatus.CORRECTED
    paint(document, image_id, Rect.whole(SHAPE))
    assert document.images.status(image_id) is ImageStatus.ACCEPTED
    paint(document, image_id, Rect.whole(SHAPE), UNLABELLED)
    assert document.images.status(image_id) is ImageStatus.PREDICTED
    document.records.set_error(image_id, LatentsegError("broken"))
    assert document.images.status(image_id) is ImageStatus.ERROR
    document.predictions.clear(image_id)
    document.records.attach(record(image_id))
    assert document.images.status(image_id) is ImageStatus.NEW


def test_final_labels_prefer_what_is_labelled(document):
    image_id = document.images.ids[0]
    assert not document.masks.final_labels(image_id).any()
    document.predictions.set(prediction(image_id))
    paint(document, image_id, Rect(0, 0, 2, 2), 0)
    final = document.masks.final_labels(image_id)
    assert not final[:2, :2].any()
    assert (final[2:] == 1).all()


def test_training_samples_are_snapshots_of_labelled_images_only(document):
    other = document.images.add_path(Path("b.png"))
    document.records.attach(record(other))
    assert document.masks.training_samples() == []
    paint(document, other, Rect(0, 0, 1, 2))
    (sample,) = document.masks.training_samples()
    paint(document, other, Rect.whole(SHAPE))
    assert sample.image_id == other
    assert (sample.labels != UNLABELLED).sum() == 2
    document.records.release(other)
    assert document.masks.training_samples() == []
    assert len(document.masks.training_samples(record)) == 1


def test_a_mask_survives_letting_go_and_packing(document):
    image_id = document.images.ids[0]
    paint(document, image_id, Rect(1, 1, 3, 3))
    before = document.masks.labels(image_id).copy()
    document.records.release(image_id)
    document.masks.layer(image_id).pack()
    assert document.masks.layer(image_id).is_touched
    assert np.array_equal(document.masks.labels(image_id), before)
    document.masks.layer(image_id).pack()
    paint(document, image_id, Rect(0, 0, 1, 1))
    assert document.masks.layer(image_id).num_labelled == 5


def test_an_image_that_came_back_with_another_size_keeps_its_mask(document):
    image_id = document.images.ids[0]
    paint(document, image_id, Rect(1, 1, 3, 3))
    before = document.records.of(image_id)
    with pytest.raises(LatentsegError, match="has changed"):
        document.records.attach(record(image_id, (9, 9)))
    assert document.records.of(image_id) is before
    assert document.masks.labels(image_id).shape == SHAPE


def test_pixels_used_longest_ago_go_first():
    document = Document()
    ids = document.images.add_paths([Path(f"{name}.png") for name in "abc"])
    for image_id in ids:
        document.records.attach(record(image_id))
    document.records.of(ids[0])
    document.images.current_id = ids[2]
    document.records.trim(2 * SHAPE[0] * SHAPE[1] * 3)
    assert [document.records.of(key) is None for key in ids] == [False, True, False]
    document.records.trim(0)
    assert [document.records.of(key) is None for key in ids] == [True, True, False]


def test_removing_the_current_image_moves_to_its_neighbour():
    document = Document()
    ids = document.images.add_paths([Path(f"{name}.png") for name in "abc"])
    document.images.current_id = ids[1]
    said = heard(document)
    document.images.remove(ids[1])
    assert document.images.ids == (ids[0], ids[2])
    assert document.images.current_id == ids[2]
    assert ("current_changed", (ids[2],)) in said
    document.images.remove(ids[2])
    document.images.remove(ids[0])
    assert document.images.current_id is None
    assert document.images.add_path(Path("a.png")) not in ids
    with pytest.raises(LatentsegError, match="no image"):
        document.images.path(ids[0])


def test_a_prediction_of_another_size_is_refused(document):
    image_id = document.images.ids[0]
    with pytest.raises(LatentsegError, match="size"):
        document.predictions.set(prediction(image_id, shape=(2, 2)))
    assert document.predictions.of(image_id) is None


def test_proposals_and_prompts_never_touch_the_mask(document):
    image_id = document.images.ids[0]
    said = heard(document)
    prompts = PromptSet((PromptPoint((1.5, 2.5), True),))
    document.prompts.set(image_id, prompts)
    document.prompts.set(image_id, prompts)
    proposal = MaskProposal(image_id, "v1", Rect(0, 0, 2, 2), np.ones((2, 2), np.bool_), 0.9, prompts)
    document.prompts.set_proposal(image_id, proposal)
    assert document.prompts.proposal(image_id) is proposal
    document.prompts.set_proposal(image_id, None)
    assert [name for name, _ in said] == ["prompts_changed", "proposal_changed", "proposal_changed"]
    assert document.masks.layer(image_id).nbytes == 0
    assert not document.is_dirty


def test_the_active_class_stays_inside_the_table(document):
    assert document.active_class == 1
    with pytest.raises(LatentsegError, match="no class number"):
        document.active_class = 2
    document.set_classes(document.classes.added("leaf"))
    document.active_class = 2
    seen = []
    document.events.classes_changed.connect(
        lambda: seen.append((document.active_class, len(document.classes)))
    )
    document.set_classes(document.classes.removed(2))
    assert seen == [(1, 2)]


def test_a_name_that_is_no_text_can_be_shown():
    document = Document()
    image_id = document.images.add_path(Path(b"caf\xe9.png".decode("utf-8", "surrogateescape")))
    assert document.images.name(image_id) == "caf�.png"


def test_adding_to_a_saved_project_is_something_to_save():
    document = Document()
    document.images.add_path(Path("a.png"))
    assert not document.is_dirty
    document.mark_saved()
    document.images.add_path(Path("b.png"))
    assert document.is_dirty


def test_a_loaded_mask_must_have_the_size_of_the_image(document):
    image_id = document.images.ids[0]
    with pytest.raises(LatentsegError, match="made for this image"):
        document.masks.load(image_id, np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8))
    missing = document.images.add_path(Path("missing.png"))
    document.masks.load(missing, np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8))
    assert document.images.status(missing) is ImageStatus.ACCEPTED
    assert document.masks.shape(missing) == (2, 3)


def test_an_image_of_a_project_is_put_back_and_can_be_found_elsewhere(document):
    layer = MaskLayer(SHAPE)
    layer.write(Rect(0, 0, 1, 1), np.ones((1, 1), np.bool_), 1, Provenance.PAINTED)
    document.images.restore("old", Path("/gone/x.png"), 0, layer)
    assert document.images.status("old") is ImageStatus.CORRECTED
    with pytest.raises(LatentsegError, match="already"):
        document.images.restore("old", None)
    document.mark_saved()
    document.images.set_path("old", Path("/found/x.png"))
    assert document.images.path("old") == Path("/found/x.png")
    assert document.images.add_path(Path("/found/x.png")) == "old"
    assert document.is_dirty


def test_a_deferred_mask_is_made_when_it_is_looked_at():
    asked = []

    def unpack():
        asked.append(1)
        return np.zeros(SHAPE, np.uint8), np.ones(SHAPE, np.uint8), None

    layer = MaskLayer(SHAPE)
    layer.defer(unpack, 48)
    assert layer.is_touched
    assert layer.num_labelled == 48
    assert asked == []
    layer.write(Rect(0, 0, 1, 1), np.ones((1, 1), np.bool_), 1, Provenance.PAINTED)
    assert layer.labels.sum() == 1
    assert layer.provenance.sum() == 48 + Provenance.PAINTED - 1
    assert asked == [1]


def test_saving_an_older_revision_leaves_something_to_save(document):
    image_id = document.images.ids[0]
    paint(document, image_id, Rect(0, 0, 1, 1))
    revision = document.revision
    paint(document, image_id, Rect(0, 0, 2, 2))
    document.mark_saved(revision)
    assert document.is_dirty
    document.mark_saved(document.revision)
    assert not document.is_dirty
