"""What the engine answers, what it keeps, and what a failure leaves behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import (
    ComputeAttention,
    EncodeImage,
    ForgetImage,
    LoadWeights,
    PredictClasses,
    PredictionExtras,
    PredictWith,
    SegmentObject,
)
from model.errors import ModelError
from model.networks.network import LatentExpertNetwork
from model.prediction.predictor import Predictor
from model.weights.checkpoint import CheckpointMeta, save
from tests.tiny import disks, tiny_network

CLICK = PromptPoint((30.5, 40.5), True)
BESIDE = PromptPoint((70.5, 50.5), False)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "tiny.safetensors"
    meta = CheckpointMeta(("background", "disk"), ("#000000", "#ff0000"), {1: "edges"})
    save(path, tiny_network(), meta)
    return path


@pytest.fixture
def engine(weights):
    engine = Engine()
    engine.handle(LoadWeights(weights, "v1", "cpu"))
    engine.handle(EncodeImage("a", disks(0)[0]))
    return engine


def test_weights_say_what_the_window_must_know(weights):
    info = Engine().handle(LoadWeights(weights, "v1", "cpu"))
    assert (info.version, info.path) == ("v1", weights)
    assert info.class_names == ("background", "disk")
    assert info.class_colours == ("#000000", "#ff0000")
    assert (info.num_experts, info.num_heads) == (4, 2)
    assert info.expert_names == {1: "edges"}
    assert "CPU" in info.device
    assert info.device_reason


def test_a_prediction_is_that_of_the_predictor(engine, weights):
    answer = engine.handle(PredictClasses("a"))
    predictor = Predictor(tiny_network(), "cpu")
    predictor.set_image(disks(0)[0])
    expected = predictor.predict_classes()
    assert np.array_equal(answer.labels, expected.labels)
    assert np.abs(answer.confidence / 255 - expected.confidence).max() < 0.003
    assert (answer.image_id, answer.version, answer.is_altered) == ("a", "v1", False)


def test_switching_between_images_encodes_each_once(engine):
    engine.handle(EncodeImage("b", disks(1)[0]))
    runs = engine.encoder_runs
    for image_id in "abab":
        engine.handle(EncodeImage(image_id, disks("ab".index(image_id))[0]))
        engine.handle(PredictClasses(image_id))
    assert engine.encoder_runs == runs


def test_an_image_that_changed_is_encoded_again(engine):
    before = engine.handle(PredictClasses("a"))
    engine.handle(EncodeImage("a", 255 - disks(0)[0]))
    assert (engine.handle(PredictClasses("a")).confidence != before.confidence).any()


def test_a_small_budget_encodes_again_and_answers_the_same(weights):
    small, large = Engine(max_cache_bytes=1), Engine()
    for engine in (small, large):
        engine.handle(LoadWeights(weights, "v1", "cpu"))
        for name in "abc":
            engine.handle(EncodeImage(name, disks("abc".index(name))[0]))
    runs = small.encoder_runs
    for name in "abc":
        assert np.array_equal(
            small.handle(PredictClasses(name)).labels, large.handle(PredictClasses(name)).labels
        )
    assert small.encoder_runs > runs


def test_attention_sums_to_one(engine):
    maps = engine.handle(ComputeAttention("a"))
    assert maps.look.shape[:2] == (2, 4)
    assert np.allclose(maps.look.sum((-1, -2)), 1, atol=1e-3)
    assert np.allclose(maps.mix.sum(1), 1, atol=1e-2)
    assert maps.shape == (64, 80)


def test_a_proposal_is_cut_to_its_box_and_holds_the_click(engine):
    proposal = engine.handle(SegmentObject("a", PromptSet((CLICK, BESIDE))))
    rect = proposal.rect
    assert proposal.mask.shape == rect.shape
    assert Rect.around(proposal.mask) == Rect.whole(rect.shape)
    assert proposal.mask[40 - rect.row0, 30 - rect.col0]
    inside = rect.row0 <= 50 < rect.row1 and rect.col0 <= 70 < rect.col1
    assert not (inside and proposal.mask[50 - rect.row0, 70 - rect.col0])
    assert proposal.prompts == PromptSet((CLICK, BESIDE))
    assert 0 <= proposal.score <= 1


def test_one_click_more_starts_from_the_answer_so_far_and_others_do_not(engine, monkeypatch):
    given = []
    stages = Predictor.predict_stages

    def listen(self, *args, mask_input=None, **kwargs):
        given.append(mask_input)
        return stages(self, *args, mask_input=mask_input, **kwargs)

    monkeypatch.setattr(Predictor, "predict_stages", listen)
    for prompts in [(CLICK,), (CLICK, BESIDE), (BESIDE, CLICK), (CLICK,), (CLICK, BESIDE)]:
        engine.handle(SegmentObject("a", PromptSet(prompts)))
    assert [mask is not None for mask in given] == [False, True, False, False, True]


LARGE = np.ascontiguousarray(np.kron(disks(0)[0], np.ones((8, 8, 1), np.uint8)))
CLICK_LARGE = PromptPoint((30.5 * 8, 40.5 * 8), True)


def test_a_click_that_wants_a_closer_look_is_answered_roughly_first(engine):
    engine.handle(EncodeImage("large", LARGE))
    runs, told = engine.encoder_runs, []
    settled = engine.handle(
        SegmentObject("large", PromptSet((CLICK_LARGE,))),
        lambda rough: told.append((rough, engine.encoder_runs - runs)),
    )
    assert engine.encoder_runs > runs
    [(rough, encoded_before)] = told
    assert encoded_before == 0
    assert rough.is_refining
    assert not settled.is_refining
    assert rough.prompts == settled.prompts
    row, col = 40 * 8 + 4 - rough.rect.row0, 30 * 8 + 4 - rough.rect.col0
    assert rough.mask[row, col]


def test_nothing_is_answered_for_an_unknown_image_or_without_weights(engine, weights):
    with pytest.raises(LatentsegError, match="not seen this image"):
        engine.handle(PredictClasses("nobody"))
    engine.handle(ForgetImage("a"))
    with pytest.raises(LatentsegError, match="not seen this image"):
        engine.handle(ComputeAttention("a"))
    with pytest.raises(LatentsegError, match="No weights"):
        Engine().handle(EncodeImage("a", disks(0)[0]))
    with pytest.raises(TypeError):
        engine.handle("predict, please")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x80\x04cposix\nsystem\n."])
def test_weights_that_are_refused_leave_the_live_ones_in_place(engine, tmp_path, content):
    before = engine.handle(PredictClasses("a"))
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        engine.handle(LoadWeights(path, "v2", "cpu"))
    after = engine.handle(PredictClasses("a"))
    assert after.version == "v1"
    assert np.array_equal(after.labels, before.labels)
    assert np.array_equal(after.confidence, before.confidence)


def test_weights_whose_answers_are_no_numbers_are_refused(engine, tmp_path):
    network = tiny_network(1)
    with torch.no_grad():
        network.class_head.pixels.weight.fill_(1e38)
    path = tmp_path / "huge.safetensors"
    save(path, network, CheckpointMeta())
    with pytest.raises(LatentsegError, match="no usable answer"):
        engine.handle(LoadWeights(path, "v2", "cpu"))
    assert engine.handle(PredictClasses("a")).version == "v1"


def test_other_weights_answer_for_the_same_image_without_being_shown_it_again(engine, tmp_path):
    before = engine.handle(PredictClasses("a"))
    path = tmp_path / "other.safetensors"
    save(path, tiny_network(5), CheckpointMeta())
    info = engine.handle(LoadWeights(path, "v2", "cpu"))
    assert info.class_names == ("background", "class 1")
    after = engine.handle(PredictClasses("a"))
    assert after.version == "v2"
    assert (after.confidence != before.confidence).any()


def test_weights_that_come_again_under_the_same_name_encode_again(engine, tmp_path):
    """A file of that name may have been written anew: what the old ones saw does not hold for the new ones."""
    path = tmp_path / "anew.safetensors"
    for seed in (5, 6):
        save(path, tiny_network(seed), CheckpointMeta(("background", "disk")))
        engine.handle(LoadWeights(path, "v2", "cpu"))
        answer = engine.handle(PredictClasses("a"))
        expected = Predictor(tiny_network(seed), "cpu")
        expected.set_image(disks(0)[0])
        assert (answer.labels == expected.predict_classes().labels).all()
    back = tmp_path / "tiny.safetensors"
    for version in ("v1", "v2", "v1"):
        engine.handle(LoadWeights(back, version, "cpu"))
        runs = engine.encoder_runs
        engine.handle(PredictClasses("a"))
        assert len(engine._encoded) == 1, "only what the live weights saw is kept"
        assert engine.encoder_runs >= runs


def test_memory_that_runs_out_twice_is_got_over_by_smaller_parts(engine, monkeypatch):
    """M-06: the CPU's shortage is a RuntimeError, no OutOfMemoryError."""
    from model.prediction import runner

    failures = [RuntimeError("DefaultCPUAllocator: can't allocate memory"), torch.OutOfMemoryError()]
    encode = runner.Runner.encode

    def short(self, pixels):
        if failures:
            raise failures.pop()
        return encode(self, pixels)

    monkeypatch.setattr(runner.Runner, "encode", short)
    engine.handle(EncodeImage("b", disks(1)[0]))
    assert engine.handle(PredictClasses("b")).labels.shape == (64, 80)
    assert not failures


def test_memory_that_runs_out_for_good_is_a_sentence_and_the_engine_goes_on(engine, monkeypatch):
    from model.prediction import runner

    def short(self, pixels):
        raise torch.OutOfMemoryError

    with monkeypatch.context() as patch:
        patch.setattr(runner.Runner, "encode", short)
        with pytest.raises(ModelError, match="not enough memory"):
            engine.handle(EncodeImage("b", disks(1)[0]))
    assert engine.handle(PredictClasses("a")).labels.shape == (64, 80)
    assert engine.handle(PredictClasses("b")).labels.shape == (64, 80)


def test_weights_that_only_read_otherwise_go_on_with_the_pictures_that_are_encoded(engine, tmp_path):
    """After a refit nothing is encoded again, and the answer is that of the new weights."""
    engine.handle(SegmentObject("a", PromptSet((CLICK,))))
    refitted = tiny_network()
    with torch.no_grad():
        refitted.class_head.pixels.bias += torch.linspace(-3, 3, len(refitted.class_head.pixels.bias))
    path = tmp_path / "refitted.safetensors"
    save(path, refitted, CheckpointMeta(("background", "disk")))
    engine.handle(LoadWeights(path, "v2", "cpu"))
    runs = engine.encoder_runs
    answer = engine.handle(PredictClasses("a"))
    engine.handle(EncodeImage("a", disks(0)[0]))
    assert engine.encoder_runs == runs
    assert answer.version == "v2"
    expected = Predictor(refitted, "cpu")
    expected.set_image(disks(0)[0])
    assert (answer.labels == expected.predict_classes().labels).all()
    assert engine.handle(SegmentObject("a", PromptSet((CLICK,)))).version == "v2"


def test_attention_has_the_same_name_only_where_it_is_the_same(engine, tmp_path):
    def load(name, change=lambda network: None, seed=0):
        network, path = tiny_network(seed), tmp_path / f"{name}.safetensors"
        with torch.no_grad():
            change(network)
        save(path, network, CheckpointMeta(("background", "disk")))
        return engine.handle(LoadWeights(path, name, "cpu")).attention

    def read_otherwise(network):
        network.class_head.pixels.bias += 1

    def mix_otherwise(network):
        next(network.mix.parameters()).mul_(1.1)

    first = load("v1")
    maps = engine.handle(ComputeAttention("a"))
    assert load("v2", read_otherwise) == first
    same = engine.handle(ComputeAttention("a"))
    assert same.version == "v2"
    np.testing.assert_array_equal(same.mix, maps.mix)
    np.testing.assert_array_equal(same.look, maps.look)
    names = {first, load("v3", mix_otherwise), load("v4", seed=1)}
    assert len(names) == 3
    assert "" not in names


def test_weights_that_see_otherwise_encode_again(engine, tmp_path):
    path = tmp_path / "others.safetensors"
    save(path, tiny_network(seed=1), CheckpointMeta(("background", "disk")))
    engine.handle(LoadWeights(path, "v2", "cpu"))
    runs = engine.encoder_runs
    engine.handle(PredictClasses("a"))
    assert engine.encoder_runs > runs


@pytest.mark.parametrize("extra", ["mirror", "sizes", "edges"])
def test_extras_are_used_for_the_prediction(engine, extra):
    plain = engine.handle(PredictClasses("a"))
    better = engine.handle(PredictClasses("a", PredictionExtras(**{extra: True})))
    assert better.labels.shape == plain.labels.shape
    assert better.confidence.dtype == np.uint8
    assert not np.array_equal(better.confidence, plain.confidence)


def test_other_weights_are_asked_about_an_image_and_the_live_ones_stay(engine, tmp_path):
    path = tmp_path / "other.safetensors"
    save(path, tiny_network(seed=7), CheckpointMeta(("background", "ring"), (), {}))
    before, runs = engine.handle(PredictClasses("a")), engine.encoder_runs
    answer = engine.handle(PredictWith("a", path, "v2", "cpu"))
    other = Engine()
    other.handle(LoadWeights(path, "v2", "cpu"))
    other.handle(EncodeImage("a", disks(0)[0]))
    assert (answer.prediction.version, answer.class_names) == ("v2", ("background", "ring"))
    assert np.array_equal(answer.prediction.labels, other.handle(PredictClasses("a")).labels)
    after = engine.handle(PredictClasses("a"))
    assert after.version == "v1"
    assert np.array_equal(after.labels, before.labels)
    assert engine.encoder_runs == runs, "the image is still encoded for the live weights"
    with pytest.raises(LatentsegError, match="not seen this image"):
        engine.handle(PredictWith("never shown", path, "v2", "cpu"))


def test_what_else_a_click_may_mean_comes_with_the_proposal_and_can_be_gone_on_from(tmp_path, monkeypatch):
    torch.manual_seed(0)
    path, sizes = tmp_path / "three.safetensors", tiny_network().config.arguments()
    meta = CheckpointMeta(("background", "disk"), ("#000000", "#ff0000"))
    save(path, LatentExpertNetwork(**{**sizes, "num_candidates": 2}), meta)
    engine = Engine()
    engine.handle(LoadWeights(path, "v1", "cpu"))
    engine.handle(EncodeImage("a", disks(0)[0]))
    given = []
    predict = Predictor.predict_stages

    def listen(self, *args, mask_input=None, **kwargs):
        given.append(mask_input)
        return predict(self, *args, mask_input=mask_input, **kwargs)

    monkeypatch.setattr(Predictor, "predict_stages", listen)
    one, two = PromptSet((CLICK,)), PromptSet((CLICK, BESIDE))
    proposal = engine.handle(SegmentObject("a", one, with_candidates=True))
    assert len(proposal.candidates) >= 2, "the whole, a part, and perhaps what stands out"
    for other in proposal.candidates:
        assert other.prompts == one
        assert other.mask.shape == other.rect.shape
        assert other.mask[40 - other.rect.row0, 30 - other.rect.col0], "each holds the click"
        assert not other.candidates
    for chosen in range(3):
        engine.handle(SegmentObject("a", two, continues=chosen))
    assert all(start is not None for start in given)
    assert not np.array_equal(given[0], given[1])
    assert not np.array_equal(given[1], given[2])


def test_weights_that_know_one_meaning_offer_no_others(engine):
    proposal = engine.handle(SegmentObject("a", PromptSet((CLICK,)), with_candidates=True))
    alone = engine.handle(SegmentObject("a", PromptSet((CLICK,))))
    assert proposal.candidates == ()
    assert np.array_equal(proposal.mask, alone.mask)
