"""M-13: the same picture and clicks give the same masks on every device."""

import numpy as np
import pytest
import skimage.data
import torch

from model.checkpoint import default_weights_path, load
from model.errors import WeightsError
from model.metrics import mask_iou
from model.network import LatentExpertNetwork
from model.predictor import Predictor


def trained_network():
    try:
        return load(default_weights_path())[0]
    except WeightsError:
        torch.manual_seed(0)
        return LatentExpertNetwork()


def scene(seed):
    """Soft blobs of colour, and a point on one of them."""
    generator = np.random.default_rng(seed)
    grid = np.mgrid[:256, :320]
    pixels = np.full((256, 320, 3), generator.integers(40, 216, 3), np.float64)
    for _ in range(5):
        row, col, radius = generator.uniform((30, 30, 20), (226, 290, 70))
        inside = np.hypot(grid[0] - row, grid[1] - col) < radius
        pixels[inside] = generator.integers(0, 256, 3)
    pixels += generator.normal(0, 6, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8), (col, row)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_masks_on_cuda_are_those_on_the_cpu(dtype):
    network = trained_network()
    cpu = Predictor(network, "cpu", dtype=torch.float32)
    gpu = Predictor(network, "cuda", dtype=dtype)
    for seed in range(5):
        image, click = scene(seed)
        for predictor in (cpu, gpu):
            predictor.set_image(image)
        one, other = (p.predict([click], [1])[0] for p in (cpu, gpu))
        assert mask_iou(one, other) > 0.99
        labels = [p.predict_classes().labels for p in (cpu, gpu)]
        assert (labels[0] == labels[1]).mean() > 0.99
        assert np.abs(cpu.attention().mix - gpu.attention().mix).max() < 0.05
    assert gpu.device.device.type == "cuda"
    assert gpu.predict_classes(experts_off=[0]).labels.shape == (256, 320)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_large_pictures_and_fallback_work_on_cuda():
    image = np.tile(scene(0)[0], (4, 4, 1))
    predictor = Predictor(trained_network(), "cuda", max_pixels=300_000)
    kept = predictor.set_image(image)
    assert predictor.predict_classes().labels.shape == image.shape[:2]
    assert predictor.predict([[100, 100]], [1])[0][100, 100]
    predictor._runner._retreat()
    predictor.encoding = kept
    assert predictor.device.device.type == "cpu"
    assert predictor.predict_classes(experts_off=[1]).labels.shape == image.shape[:2]
    assert predictor.predict([[100, 100]], [1])[0][100, 100]


SAMPLES = {
    "astronaut": (((200, 100), 1), ((250, 350), 1), ((450, 200), 0)),
    "cat": (((220, 150), 1), ((100, 250), 1)),
    "coffee": (((300, 200), 1), ((420, 330), 0), ((60, 60), 0)),
    "rocket": (((320, 200), 1), ((320, 100), 1)),
}
"""Bundled pictures and ((x, y), label) of clicks on them."""


def test_bfloat16_and_float32_agree_on_the_bundled_pictures():
    network, ious = trained_network(), []
    exact, fast = (Predictor(network, "cpu", dtype=d) for d in (torch.float32, torch.bfloat16))
    for name, clicks in SAMPLES.items():
        image, logits = getattr(skimage.data, name)(), [None, None]
        for predictor in (exact, fast):
            predictor.set_image(image)
        for count in range(1, len(clicks) + 1):
            points, labels = zip(*clicks[:count], strict=True)
            masks = []
            for index, predictor in enumerate((exact, fast)):
                mask, _, logits[index] = predictor.predict(points, labels, mask_input=logits[index])
                masks.append(mask)
            ious.append(mask_iou(*masks))
    assert np.mean(ious) > 0.99
    assert min(ious) > 0.98, "the worst is a first click on fur"


def test_what_every_click_inherits_is_not_rounded():
    network = trained_network()
    fast = Predictor(network, "cpu", dtype=torch.bfloat16)
    bases = fast._runner.network.get_submodule("click.bases")
    for kept, own in zip(bases.parameters(), network.get_submodule("click.bases").parameters(), strict=True):
        assert kept.dtype == torch.float32
        assert torch.equal(kept, own.float())
    assert fast._runner.network.experts.dtype == torch.bfloat16


def test_bfloat16_and_float32_give_the_same_masks():
    network = trained_network()
    exact, fast = (Predictor(network, "cpu", dtype=d) for d in (torch.float32, torch.bfloat16))
    for seed in range(2):
        image, click = scene(seed)
        for predictor in (exact, fast):
            predictor.set_image(image)
        one, other = (p.predict([click], [1])[0] for p in (exact, fast))
        assert mask_iou(one, other) > 0.97
        assert (exact.predict_classes().labels == fast.predict_classes().labels).mean() > 0.97
