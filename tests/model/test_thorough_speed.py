"""Weights of a thorough run predict large images with one backbone, as the shipped ones do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.networks.detail_network import DetailNetwork
from model.prediction.predictor import Predictor
from tests.tiny import disks, tiny_network


@pytest.fixture
def thorough() -> DetailNetwork:
    """A network whose classes have a backbone of their own, unlike that of clicks."""
    torch.set_num_threads(1)
    network = DetailNetwork.of(tiny_network(), [0, 1]).give_classes_a_backbone().eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in (*network.class_backbone.parameters(), *network.head.parameters()):
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def test_classes_are_the_same_without_what_clicks_need(thorough: DetailNetwork) -> None:
    image = torch.rand(1, 3, 70, 90, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        both, alone = thorough.encode(image), thorough.encode_for_classes(image)
        assert torch.equal(thorough.classify(both).logits, thorough.classify(alone).logits)


def test_tiles_run_one_backbone_and_only_the_overview_both(thorough: DetailNetwork) -> None:
    predictor = Predictor(thorough, "cpu", dtype=torch.float32, max_pixels=64 * 64)
    network = predictor._runner.network
    runs = {"clicks": 0, "classes": 0}

    def count(name: str) -> None:
        runs[name] += 1

    network.backbone.register_forward_hook(lambda *_: count("clicks"))
    network.class_backbone.register_forward_hook(lambda *_: count("classes"))
    predictor.set_image(np.asarray(disks(0, size=(200, 240))[0]), for_clicks=False)
    assert runs == {"clicks": 1, "classes": 1}
    predictor.predict_classes()
    assert runs["classes"] > 4
    assert runs["clicks"] == 1
