"""M-06 and pictures above the pixel budget: in parts, in bounded memory, and told so."""

import itertools

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.prediction import runner
from model.prediction.device import DeviceChoice
from model.prediction.predictor import CLICK_PIXELS, Predictor
from model.prediction.resample import grow_in_bands, resize_pixels, working_size
from model.prediction.tiles import (
    OVERLAP,
    STRIP_BYTES,
    TILE_BYTES,
    blend,
    overlap_of,
    plan,
    ramp,
    spans,
    tile_side,
)
from tests.model.plain_network import PlainNetwork
from tests.tiny import tiny_network


def predictor_of(network, **options):
    return Predictor(network, "cpu", dtype=torch.float32, **options)


def picture(rows, cols, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, cols, 3), dtype=np.uint8)


def test_tiles_give_what_one_pass_would_and_stay_small():
    network = PlainNetwork()
    image = picture(500, 333)
    predictor = predictor_of(network, max_pixels=128 * 128)
    predictor.set_image(image)
    assert predictor.encoding.is_reduced
    answer = predictor.predict_classes()
    assert np.array_equal(answer.labels, image[:, :, 0] > 127)
    likely = 1 / (1 + np.exp(-np.abs(image[:, :, 0] / 255 - 0.5) * 40))
    assert np.allclose(answer.confidence, likely, atol=1e-4)
    assert max(rows * cols for rows, cols in network.log) <= 128 * 128
    assert len(network.log) > 10


def test_knock_outs_of_a_large_image_do_not_encode():
    network = PlainNetwork()
    predictor = predictor_of(network, max_pixels=64 * 64)
    predictor.set_image(np.repeat(picture(1, 300), 200, axis=0))
    answer = predictor.predict_classes(experts_off=[1])
    assert answer.labels.shape == (200, 300)
    assert predictor.encoder_runs == len(network.log) == 1


@pytest.mark.parametrize(
    ("length", "side", "overlap"), [(10, 32, 8), (33, 32, 8), (1000, 64, 16), (65, 64, 16)]
)
def test_spans_cover_and_overlap(length, side, overlap):
    pieces = spans(length, side, overlap)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == length
    for one, other in itertools.pairwise(pieces):
        assert one[1] - other[0] >= overlap
        assert one[1] - other[0] < overlap + 64, "more would be wasted work"
        assert one[0] < other[0]


def test_weights_fall_towards_seams_only():
    assert torch.equal(ramp(5, (0, 0)), torch.ones(5))
    weights = ramp(100, (20, 40))
    assert weights.min() > 0
    assert torch.all(weights[6:15].diff() > 0)
    assert torch.all(weights[70:90].diff() < 0)
    assert torch.all(weights[15:70] == 1)
    before, after = ramp(64, (0, 20)), ramp(64, (20, 0))
    assert torch.allclose(before[-20:] + after[:20], torch.ones(20), atol=2e-3), "they make one whole"


def test_seams_are_blended():
    """Where tiles disagree the confidence passes gradually from one to the other."""

    def infer(tile):
        sure = 0.9 if tile.cols[0] == 0 else 0.1
        part = torch.full((1, 32, tile.cols[1] - tile.cols[0]), sure)
        return torch.cat((part, 1 - part))

    pieces = list(blend((32, 200), 2, 128, infer))
    assert len(pieces) == len(plan((32, 200), 128, 32)[0]) == 2
    share = np.concatenate([piece.probabilities[0, 0].numpy() for piece in pieces])
    assert np.abs(np.diff(share)).max() < 0.06
    assert share[0] == pytest.approx(0.9)
    assert share[-1] == pytest.approx(0.1)


def test_what_is_kept_between_tiles_is_bounded():
    for classes, width in ((2, 1000), (2, 100_000), (11, 20_000), (250, 20_000)):
        side = tile_side(4_000_000, classes)
        assert 64 <= side <= 2000
        assert classes * side * side * 4 <= TILE_BYTES
        assert 2 <= overlap_of(side, classes, width) <= OVERLAP
        assert classes * overlap_of(side, classes, width) * width * 4 <= STRIP_BYTES
    assert tile_side(4_000_000, 2) > 4 * OVERLAP


def test_pieces_cover_the_picture_once_in_any_plan():
    for shape, side in (((300, 500), 96), ((65, 64), 64), ((97, 640), 128), ((10, 10), 64)):
        seen = np.zeros(shape, int)
        truth = torch.rand(3, *shape).softmax(0)
        joined = torch.zeros(3, *shape)
        for piece in blend(shape, 3, side, lambda tile: truth[:, slice(*tile.rows), slice(*tile.cols)]):  # noqa: B023
            seen[piece.rows, piece.cols] += 1
            joined[:, piece.rows, piece.cols] = piece.probabilities
        assert (seen == 1).all()
        assert torch.allclose(joined, truth, atol=1e-5)


def test_bands_enlarge_like_one_pass():
    logits = torch.randn(3, 37, 21)
    whole = torch.nn.functional.interpolate(
        logits[None], size=(1500, 64), mode="bilinear", align_corners=False
    )[0]
    joined = torch.cat([band for _, band in grow_in_bands(logits, (1500, 64))], dim=1)
    assert torch.allclose(joined, whole, atol=1e-5)


def test_working_sizes_keep_the_form_and_the_budget():
    assert working_size((30, 40), 1200) == (30, 40)
    rows, cols = working_size((3000, 4000), 1_000_000)
    assert rows * cols <= 1_000_000
    assert cols / rows == pytest.approx(4 / 3, rel=0.01)
    for shape in ((1, 10**6), (10**6, 1), (3, 10**6)):
        rows, cols = working_size(shape, 10_000)
        assert 1 <= rows * cols <= 10_000
    assert resize_pixels(picture(100, 60), (10, 6)).shape == (10, 6, 3)


def scene(rows=1200, cols=1600):
    """Grey, with a disk of radius 90 in one colour and a far one of another."""
    image = np.full((rows, cols, 3), 60, np.uint8)
    grid = np.mgrid[:rows, :cols] + 0.5
    disk = np.hypot(grid[0] - 400, grid[1] - 700) < 90
    image[disk] = (200, 40, 40)
    image[np.hypot(grid[0] - 1000, grid[1] - 1300) < 60] = (200, 40, 40)
    return image, disk


def overlap(mask, expected):
    return (mask & expected).sum() / (mask | expected).sum()


def test_clicks_on_a_large_image_are_answered_at_full_resolution():
    network = PlainNetwork()
    image, disk = scene()
    predictor = predictor_of(network, max_pixels=300 * 400)
    predictor.set_image(image)
    mask, score, logits = predictor.predict([[700.5, 400.5]], [1])
    assert mask.shape == image.shape[:2]
    assert overlap(mask, disk) > 0.97
    assert score == pytest.approx(0.9)
    assert logits.shape == predictor.encoding.for_clicks.size
    assert logits.size <= CLICK_PIXELS
    runs = predictor.encoder_runs
    again, _, _ = predictor.predict([[700.5, 400.5], [10.5, 10.5]], [1, 0], mask_input=logits)
    assert overlap(again, disk) > 0.97
    assert predictor.encoder_runs == runs == 3, "the zoom is encoded once for all clicks on an object"
    assert max(rows * cols for rows, cols in network.log) <= 300 * 400


def test_a_small_object_of_an_ordinary_picture_is_looked_at_closer_once():
    image = np.full((200, 300, 3), 60, np.uint8)
    image[50:70, 80:110] = (200, 40, 40)
    network = PlainNetwork()
    predictor = predictor_of(network)
    predictor.set_image(image)
    mask, _, logits = predictor.predict([[90.5, 60.5]], [1])
    again, _, _ = predictor.predict([[90.5, 60.5], [3, 3]], [1, 0], mask_input=logits)
    assert len(network.log) == 2
    rows, cols = network.log[1]
    assert min(rows, cols) >= 200, "the part is shown larger than it is"
    for answer in (mask, again):
        assert overlap(answer, image[:, :, 0] == 200) > 0.9


def test_an_object_that_fills_a_large_image_is_answered_too():
    image = np.full((900, 1200, 3), 200, np.uint8)
    image[:, 600:] = 20
    predictor = predictor_of(PlainNetwork(), max_pixels=90 * 120)
    predictor.set_image(image)
    mask, _, _ = predictor.predict([[100, 100]], [1])
    expected = image[:, :, 0] == 200
    assert overlap(mask, expected) > 0.98


def test_the_far_twin_is_no_part_of_the_object():
    image, disk = scene()
    predictor = predictor_of(PlainNetwork(), max_pixels=image[:, :, 0].size)
    predictor.set_image(image)
    assert not predictor.encoding.is_reduced
    assert overlap(predictor.predict([[700, 400]], [1])[0], disk) > 0.97


SHORTAGES = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", SHORTAGES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("shortages", [1, 2])
def test_where_memory_is_short_the_picture_is_done_smaller(error, shortages):
    network = PlainNetwork(shortages, error)
    predictor = predictor_of(network, max_pixels=10_000)
    predictor.set_image(picture(100, 100))
    assert predictor.encoding.size[0] ** 2 <= 10_000 >> shortages
    assert "Memory ran out on CPU" in predictor.notes[0]
    assert np.array_equal(predictor.predict_classes().labels, picture(100, 100)[:, :, 0] > 127)


def test_tiles_are_halved_where_memory_is_short():
    network = PlainNetwork()
    predictor = predictor_of(network, max_pixels=256 * 256)
    image = picture(280, 280)
    predictor.set_image(image)
    network.log.clear()
    network.shortages = 2
    assert np.array_equal(predictor.predict_classes().labels, image[:, :, 0] > 127)
    assert network.log[:3] == [(192, 192), (128, 128), (64, 64)]


def test_then_it_retreats_to_the_cpu_and_says_so(monkeypatch):
    cpu = torch.device("cpu")
    gpu = DeviceChoice(cpu, torch.float32, "Some GPU", "It is the fastest here.")
    retreat = DeviceChoice(cpu, torch.float32, "CPU, 1 thread", "The CPU was asked for.")
    monkeypatch.setattr(runner, "choose_device", lambda wanted: retreat)
    network = PlainNetwork(shortages=3)
    worker = runner.Runner(network, gpu)
    worker.choice = DeviceChoice(FakeGpu(), torch.float32, "Some GPU", "")  # type: ignore[arg-type]
    sizes = []

    def attempt(size):
        sizes.append((worker.choice.name, size))
        if len(sizes) <= 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return "done"

    assert worker.within_memory(4096, attempt) == "done"
    assert sizes == [("Some GPU", 4096), ("Some GPU", 2048), ("Some GPU", 1024), ("CPU, 1 thread", 4096)]
    assert worker.choice.is_fallback
    assert worker.notes == ["Some GPU ran out of memory, so the CPU is used."]


class FakeGpu:
    type = "somegpu"


def test_when_nothing_helps_it_is_said_and_the_image_before_stays():
    network = PlainNetwork()
    predictor = predictor_of(network)
    before = predictor.set_image(picture(20, 20))
    network.shortages = 99
    with pytest.raises(ModelError, match="not enough memory"):
        predictor.set_image(picture(30, 30))
    assert predictor.encoding is before


def test_other_errors_pass_untouched():
    network = PlainNetwork(1, RuntimeError("shape mismatch"))
    with pytest.raises(RuntimeError, match="shape mismatch"):
        predictor_of(network).set_image(picture(20, 20))


def test_an_image_that_was_not_meant_for_clicks_answers_them_all_the_same():
    image = np.random.default_rng(0).integers(0, 255, (500, 700, 3), np.uint8)
    predictor = Predictor(tiny_network(), "cpu")
    predictor.set_image(image)
    expected, _, _ = predictor.predict([(300, 200)], [1])
    runs = predictor.encoder_runs
    kept = predictor.set_image(image, for_clicks=False)
    assert predictor.encoder_runs == runs + 1
    assert kept.overview is None
    mask, _, _ = predictor.predict([(300, 200)], [1])
    assert np.array_equal(mask, expected)
