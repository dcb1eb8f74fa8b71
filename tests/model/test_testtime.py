"""Several views and the refinement of edges: options of the class prediction, each doing what it says."""

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.networks.network import build_latent_expert
from model.prediction.crf import Crf, Lattice, mean_field, refine
from model.prediction.outputs import ClassPrediction
from model.prediction.predictor import Predictor
from model.prediction.testtime import PredictOptions
from tests.model.plain_network import PlainNetwork


def predictor_of(network, **options):
    return Predictor(network, "cpu", dtype=torch.float32, **options)


def picture(rows=40, cols=56, seed=0):
    """Two colours with noise; the border between them runs askew."""
    generator = np.random.default_rng(seed)
    row, col = np.mgrid[:rows, :cols]
    left = col + row // 3 < cols // 2
    pixels = np.where(left[..., None], (180, 60, 40), (40, 90, 160)) + generator.normal(0, 8, (rows, cols, 3))
    return pixels.clip(0, 255).astype(np.uint8), left


def unsure(left, seed=0):
    """Probabilities [2, H, W] that are mostly right and full of holes."""
    generator = np.random.default_rng(seed)
    likely = np.where(left, 0.66, 0.34) + generator.normal(0, 0.2, left.shape)
    likely = likely.clip(0.05, 0.95).astype(np.float32)
    return np.stack((1 - likely, likely))


def kernel(pixels, crf):
    """Both kernels as full matrices, normalised as in the paper's program."""
    rows, cols = pixels.shape[:2]
    place = np.stack(np.mgrid[:rows, :cols], -1).reshape(-1, 2).astype(float)
    colour = pixels.reshape(-1, 3).astype(float)
    apart = ((place[:, None] - place) ** 2).sum(-1)
    unlike = ((colour[:, None] - colour) ** 2).sum(-1)
    for matrix in (
        np.exp(-apart / (2 * crf.appearance_xy**2) - unlike / (2 * crf.appearance_rgb**2)),
        np.exp(-apart / (2 * crf.smoothness_xy**2)),
    ):
        root = 1 / np.sqrt(matrix.sum(1))
        yield (matrix * root * root[:, None]).astype(np.float32)


@pytest.mark.parametrize(
    "crf",
    [Crf(), Crf(appearance_xy=8, appearance_rgb=20), Crf(appearance=8, smoothness=0), Crf(appearance=0)],
)
def test_the_refinement_is_that_of_the_full_sum_over_all_pairs(crf):
    pixels, left = picture()
    seen = unsure(left)
    near, close = kernel(pixels, crf)
    evidence = np.log(seen.reshape(2, -1))
    kernels = ((crf.appearance, lambda m: m @ near), (crf.smoothness, lambda m: m @ close))
    expected = mean_field(evidence, kernels, crf.rounds).reshape(seen.shape)
    found = refine(seen, pixels, crf)
    assert found.dtype == np.float32
    assert np.allclose(found.sum(0), 1, atol=1e-5)
    assert np.abs(found - expected).mean() < 0.02
    assert (found.argmax(0) == expected.argmax(0)).mean() > 0.98


def test_the_refinement_finds_the_edge_in_the_picture():
    pixels, left = picture()
    seen = unsure(left)
    assert ((seen[1] > 0.5) == left).mean() < 0.85
    assert ((refine(seen, pixels, Crf())[1] > 0.5) == left).mean() > 0.99


def test_the_lattice_filters_like_a_gaussian():
    generator = np.random.default_rng(0)
    points = generator.normal(0, 1.5, (500, 5)).astype(np.float32)
    values = generator.random((3, 500)).astype(np.float32)
    apart = ((points[:, None] - points) ** 2).sum(-1)
    expected = values @ np.exp(-apart / 2)
    found = Lattice(points).smooth(values)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95
    both = Lattice(points)
    left, right = values[:1], values[1:2]
    assert np.allclose((both.smooth(left) * right).sum(), (left * both.smooth(right)).sum(), rtol=0.02)


@pytest.mark.parametrize("bad", [{"rounds": 0}, {"appearance_xy": 0.0}, {"smoothness": -1.0}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(ModelError):
        Crf(**bad)


@pytest.mark.parametrize("scales", [(), (0.0,), (5.0,), (1.0, -1.0)])
def test_impossible_scales_are_refused(scales):
    with pytest.raises(ModelError, match=r"0\.25 to 4"):
        PredictOptions(scales)


def test_the_mean_over_a_picture_and_its_mirror_image_does_not_depend_on_the_side():
    torch.manual_seed(0)
    predictor = predictor_of(build_latent_expert())
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    answers = []
    for view in (pixels, pixels[:, ::-1].copy()):
        predictor.set_image(view)
        answers.append(predictor.predict_probabilities(options=PredictOptions(flip=True)).astype(np.float32))
    assert np.allclose(answers[0], answers[1][:, :, ::-1], atol=2e-3)


def test_every_scale_and_side_is_looked_at_once():
    network = PlainNetwork()
    predictor = predictor_of(network)
    predictor.set_image(picture(40, 60)[0])
    predictor.predict_classes(options=PredictOptions((0.5, 1.0, 1.5), flip=True))
    assert sorted(network.log) == [(20, 30), (20, 30), (40, 60), (40, 60), (60, 90), (60, 90)]


def test_options_are_averaged_and_plain_ones_change_nothing():
    pixels, left = picture()
    predictor = predictor_of(PlainNetwork())
    predictor.set_image(pixels)
    plain, same = predictor.predict_classes(), predictor.predict_classes(options=PredictOptions())
    assert np.array_equal(plain.labels, same.labels)
    assert np.array_equal(plain.confidence, same.confidence)
    better = predictor.predict_classes(options=PredictOptions((0.75, 1.0), flip=True, crf=Crf()))
    assert (better.labels == left).mean() > 0.98
    assert better.labels.dtype == np.uint8
    assert better.confidence.dtype == np.float32


def test_with_options_experts_can_be_switched_off():
    torch.manual_seed(0)
    predictor = predictor_of(build_latent_expert())
    predictor.set_image(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    flip = PredictOptions(flip=True)
    whole, part = (
        predictor.predict_classes(experts_off=off, options=flip).confidence for off in ((), (0, 1, 2))
    )
    assert not np.array_equal(whole, part)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.uint8, np.uint16])
@pytest.mark.parametrize("max_pixels", [40 * 56, 32 * 32])
def test_probabilities_come_in_the_numbers_that_are_wanted(dtype, max_pixels):
    pixels, _ = picture()
    predictor = predictor_of(PlainNetwork(), max_pixels=max_pixels)
    predictor.set_image(pixels)
    out = np.zeros((2, 40, 56), dtype)
    assert predictor.predict_probabilities(out=out) is out
    full = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    answer = predictor.predict_classes()
    assert np.allclose(out.sum(0, dtype=np.float64) / full, 1, atol=0.01)
    assert np.array_equal(out.argmax(0), answer.labels)
    assert np.allclose(out.max(0) / full, answer.confidence, atol=0.01)


def test_answers_go_where_the_caller_wants_them(tmp_path):
    pixels, _ = picture()
    predictor = predictor_of(PlainNetwork(), max_pixels=32 * 32)
    predictor.set_image(pixels)
    labels = np.lib.format.open_memmap(tmp_path / "labels.npy", "w+", np.uint8, (40, 56))
    out = ClassPrediction(labels, np.zeros((40, 56), np.uint8))
    assert predictor.predict_classes(out=out) is out
    expected = predictor.predict_classes()
    labels.flush()
    assert np.array_equal(np.load(tmp_path / "labels.npy"), expected.labels)
    assert np.abs(out.confidence / 255 - expected.confidence).max() < 0.003
    for wrong in (np.zeros((40, 55), np.uint8), np.zeros((40, 56), np.int64)):
        with pytest.raises(ModelError, match="array for the answer"):
            predictor.predict_classes(out=ClassPrediction(wrong, out.confidence))
