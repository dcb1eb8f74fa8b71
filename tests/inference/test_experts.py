"""What is asked about experts: changed ones, parts of an image, sums over many, and what of it is remembered."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentseg_gui.document.experts.experts import in_other_classes
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.experts.experts import MAX_GLANCE_BYTES, MAX_PART_BYTES, MAX_WHOLE_BYTES
from latentseg_gui.inference.experts.messages import CountEvenMix, FindPatches
from latentseg_gui.inference.messages import (
    AlterExperts,
    ComputeAttention,
    ComputeRegionAttention,
    EncodeImage,
    ForgetImage,
    LoadWeights,
    MeasureChange,
    MeasureShares,
    PredictClasses,
)
from model.errors import ModelError
from model.weights.checkpoint import CheckpointMeta, save
from tests.tiny import disks, tiny_network


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def engine_in(folder, size=(64, 80)):
    path = folder / "weights.safetensors"
    save(path, tiny_network(), CheckpointMeta())
    made = Engine()
    made.handle(LoadWeights(path, "v1", "cpu"))
    made.handle(EncodeImage("a", disks(0, size)[0]))
    return made


@pytest.fixture
def engine(tmp_path):
    return engine_in(tmp_path)


@pytest.fixture
def reduced(tmp_path, monkeypatch):
    """The same, but an image of more than 1024 pixels is a large one."""
    monkeypatch.setattr("model.prediction.predictor.MAX_PIXELS", dict.fromkeys(("cpu", "cuda", "mps"), 1024))
    return engine_in(tmp_path, (192, 240))


GAINS = [{0: 0.0}, {0: 0.0, 1: 0.0, 2: 0.0}, {1: 2.5}, {(1, 2): 0.0}, {(0, each): 0.0 for each in range(4)}]


@pytest.mark.parametrize("gains", GAINS)
def test_interventions_never_run_the_encoder_and_say_what_is_different(engine, gains):
    before, runs = engine.handle(PredictClasses("a")), engine.encoder_runs
    answer = engine.handle(AlterExperts("a", gains))
    after, change = answer.prediction, answer.change
    assert engine.encoder_runs == runs
    assert after.is_altered
    assert not before.is_altered
    assert (after.confidence != before.confidence).any()
    table = np.array(
        [[((before.labels == was) & (after.labels == now)).sum() for now in (0, 1)] for was in (0, 1)]
    )
    assert np.array_equal(change.moved, table)
    shift = after.confidence.mean(dtype=float) - before.confidence.mean(dtype=float)
    assert change.confidence == pytest.approx(shift / 255, abs=1e-9)
    measured = engine.handle(MeasureChange("a", gains))
    assert np.array_equal(measured.moved, change.moved)
    assert measured.confidence == change.confidence
    assert engine.encoder_runs == runs


def test_a_large_image_is_compared_with_itself_at_the_same_size(reduced):
    runs = reduced.encoder_runs
    nothing = reduced.handle(MeasureChange("a", {}))
    assert nothing.moved.trace() == nothing.moved.sum() < 1024
    assert nothing.confidence == 0
    answer = reduced.handle(AlterExperts("a", {0: 0.0}))
    assert answer.prediction.labels.shape == (192, 240)
    assert answer.change.shape == nothing.shape
    assert answer.change.moved.sum() == nothing.moved.sum()
    assert reduced.encoder_runs == runs


def test_a_part_has_more_tokens_is_encoded_once_and_remembered(reduced):
    whole = reduced.handle(ComputeAttention("a"))
    rect, runs = Rect(40, 60, 120, 180), reduced.encoder_runs
    part = reduced.handle(ComputeRegionAttention("a", rect))
    assert reduced.encoder_runs == runs + 1
    assert (part.rect, part.stride) == (rect, 4)
    assert part.stride * 5 < whole.stride
    assert part.mix.shape == (2, 4, 20, 30)
    assert part.mix.sum(1) == pytest.approx(1, abs=1e-5)
    assert (part.look.sum((2, 3)) < 1).all()
    assert reduced.handle(ComputeRegionAttention("a", rect)) is part
    assert reduced.encoder_runs == runs + 1
    reduced.handle(PredictClasses("a"))
    reduced.handle(ForgetImage("a"))
    reduced.handle(EncodeImage("a", disks(1, (192, 240))[0]))
    assert reduced.handle(ComputeRegionAttention("a", rect)) is not part


def test_what_is_remembered_is_bounded(reduced):
    for row in range(0, 160, 8):
        reduced.handle(ComputeRegionAttention("a", Rect(row, 0, row + 32, 240)))
    experts = reduced._experts
    assert 0 < experts.nbytes <= MAX_WHOLE_BYTES + MAX_PART_BYTES + MAX_GLANCE_BYTES == 192 << 20
    experts.forget_all()
    assert experts.nbytes == 0


def test_shares_of_an_image_nobody_looked_at(engine):
    pixels = disks(7, (48, 96))[0]
    answer = engine.handle(MeasureShares("b", pixels))
    assert answer.shares.shape == (4, 2)
    assert answer.shares.sum() == pytest.approx(1, abs=1e-5)
    with pytest.raises(Exception, match="not seen this image"):
        engine.handle(ComputeAttention("b"))
    engine.handle(EncodeImage("b", pixels))
    maps = engine.handle(ComputeAttention("b"))
    assert answer.shares.sum(1) == pytest.approx(maps.mix.mean((0, 2, 3)), abs=1e-5)
    runs = engine.encoder_runs
    engine.handle(PredictClasses("a"))
    assert engine.encoder_runs == runs, "what was encoded before is still there"


def test_impossible_heads_are_refused_in_words(engine):
    with pytest.raises(ModelError, match="no head 7"):
        engine.handle(AlterExperts("a", {(7, 0): 0.0}))


def test_classes_of_the_weights_become_those_of_the_document():
    moved = np.array([[5, 1, 2], [0, 3, 4], [7, 0, 9]])
    table = np.array([0, 1, 1], np.uint8)
    assert in_other_classes(moved, table, 2).tolist() == [[5, 3], [7, 16]]
    assert in_other_classes(moved, np.arange(3, dtype=np.uint8), 3).tolist() == moved.tolist()


def test_what_excites_an_expert_lies_where_it_explains_most(engine):
    runs = engine.encoder_runs
    found = engine.handle(FindPatches("a"))
    assert engine.encoder_runs == runs
    mix = engine.handle(ComputeAttention("a")).mix.mean(0)
    pixels = disks(0, (64, 80))[0]
    assert len(found.patches) == len(mix)
    for expert, squares in enumerate(found.patches):
        assert [each.share for each in squares] == sorted((each.share for each in squares), reverse=True)
        best = squares[0]
        tokens = mix[expert][
            best.rect.row0 // 4 : best.rect.row1 // 4, best.rect.col0 // 4 : best.rect.col1 // 4
        ]
        assert best.share == pytest.approx(tokens.mean(), abs=0.01)
        assert np.array_equal(best.picture, pixels[best.rect.slices])


def test_the_folder_finds_the_same_squares_in_an_image_that_is_not_kept(engine):
    known = engine.handle(FindPatches("a"))
    measured = engine.handle(MeasureShares("b", disks(0, (64, 80))[0]))
    for one, other in zip(known.patches, measured.patches.patches, strict=True):
        assert [each.rect for each in one] == [each.rect for each in other]


def test_the_learned_mix_and_an_even_one_are_counted_on_labelled_pixels(engine):
    pixels, truth = disks(1, (64, 80))
    labels = truth.astype(np.uint8)
    labels[:16] = 255
    counted = engine.handle(CountEvenMix("b", pixels, labels, 2))
    assert counted.learned.sum(1).tolist() == counted.even.sum(1).tolist()
    assert counted.learned.sum() == (labels != 255).sum()
    assert not np.array_equal(counted.learned, counted.even)
    before = engine.handle(PredictClasses("a"))
    assert before.image_id == "a", "the image in the window is still there"
