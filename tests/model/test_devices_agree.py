"""M-13: the same picture and clicks give the same masks on every device."""

import numpy as np
import pytest
import skimage.data
import torch

from model.analysis.metrics import mask_iou
from model.prediction.predictor import Predictor
from tests.model.clicked_scenes import SAMPLES, scene, trained_network


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


@pytest.mark.parametrize("name", [*SAMPLES, "scene 0", "scene 1"])
def test_bfloat16_and_float32_answer_clicks_alike(name):
    """Clicks look at an overview and a zoomed view, which are small: they stay in float32 whatever is fast."""
    if name in SAMPLES:
        image, clicks = getattr(skimage.data, name)(), SAMPLES[name]
    else:
        image, first = scene(int(name[-1]))
        clicks = ((first, 1), ((10, 10), 0))
    network, logits = trained_network(), [None, None]
    predictors = [Predictor(network, "cpu", dtype=dtype) for dtype in (torch.float32, torch.bfloat16)]
    for predictor in predictors:
        predictor.set_image(image)
    for count in range(1, len(clicks) + 1):
        points, labels = zip(*clicks[:count], strict=True)
        masks = []
        for index, predictor in enumerate(predictors):
            mask, _, logits[index] = predictor.predict(points, labels, mask_input=logits[index])
            masks.append(mask)
        assert masks[0].any()
        assert mask_iou(*masks) > 0.999
    labels = [predictor.predict_classes().labels for predictor in predictors]
    assert (labels[0] == labels[1]).mean() > 0.97


def test_small_pictures_are_answered_alike_too():
    network = trained_network()
    image, (col, row) = scene(0)
    image = np.ascontiguousarray(image[::2, ::2])
    masks = []
    for dtype in (torch.float32, torch.bfloat16):
        predictor = Predictor(network, "cpu", dtype=dtype)
        predictor.set_image(image)
        masks.append(predictor.predict([(col / 2, row / 2)], [1], mask_input=None)[0])
    assert predictor.device.dtype == torch.bfloat16
    assert masks[0].any()
    assert mask_iou(*masks) > 0.999
