"""What the learned mix is worth shows beside an even one, on the same encoding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.analysis.metrics import mean_iou
from model.errors import ModelError
from model.networks.detail_network import DetailNetwork
from model.networks.latent_experts import SegmentationModel
from model.networks.network import build_latent_expert
from model.prediction.even_mix import EvenMix, with_even_mix
from model.zoo.unet import UNet
from tests.model.small_predictors import DECIDING, picture, predictor_of, small_network


def deciding():
    torch.manual_seed(0)
    return build_latent_expert(DECIDING).eval()


def tutorial():
    torch.manual_seed(0)
    network = SegmentationModel().eval()
    with torch.no_grad():  # fresh ones hardly choose
        network.expert_seg.attention.in_proj_weight.mul_(100)
    return network


def fine_tuned():
    return DetailNetwork.of(deciding(), (0, 1, 2)).eval()


@pytest.mark.parametrize("make", [deciding, small_network, fine_tuned, tutorial])
def test_every_place_asks_all_experts_alike_and_the_weights_stay_as_they_are(make):
    network = make()
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    predictor = predictor_of(network)
    predictor.set_image(picture())
    even = predictor_of(with_even_mix(network))
    even.set_image(picture())
    learned, flat = predictor.attention().mix, even.attention().mix
    count = predictor.num_experts
    assert np.allclose(flat, 1 / count, atol=1e-5)
    assert np.abs(learned - 1 / count).max() > 1e-3
    assert np.allclose(even.attention().look, predictor.attention().look, atol=1e-5)
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())


def test_a_network_without_experts_has_nothing_to_mix():
    with pytest.raises(ModelError, match="no experts"):
        with_even_mix(UNet(in_channels=3, num_classes=2))


@pytest.mark.parametrize("make", [deciding, fine_tuned])
def test_counts_are_those_of_two_predictions_and_nothing_is_encoded_for_them(make):
    network, generator = make(), np.random.default_rng(3)
    predictor, even = predictor_of(network), predictor_of(with_even_mix(network))
    labels = generator.integers(0, 2, (48, 72), dtype=np.uint8)
    labels[:9] = 255
    for each in (predictor, even):
        each.set_image(picture())
    runs = predictor.encoder_runs
    counts = EvenMix(predictor).count(labels, 2)
    assert predictor.encoder_runs == runs
    for counted, who in ((counts.learned, predictor), (counts.even, even)):
        said = who.predict_overview().argmax(0)
        wanted = [[int(((labels == n) & (said == c)).sum()) for c in range(3)] for n in range(2)]
        assert counted.tolist() == wanted
    assert not np.array_equal(counts.learned, counts.even)


def test_labels_of_a_large_image_are_read_where_its_encoded_pixels_lie():
    predictor = predictor_of(deciding(), max_pixels=48 * 72)
    predictor.set_image(picture(96, 144))
    labels = np.full((96, 144), 255, np.uint8)
    labels[:48], labels[90:] = 0, 1
    counts = EvenMix(predictor).count(labels, 2)
    assert counts.learned.sum(1).tolist() == counts.even.sum(1).tolist() == [24 * 72, 3 * 72]


def test_the_figure_is_a_difference_of_mean_ious():
    network = deciding()
    predictor = predictor_of(network)
    predictor.set_image(picture())
    said = predictor.predict_classes().labels
    counts = EvenMix(predictor).count(said, 3)
    assert mean_iou(counts.learned) == 1.0
    assert mean_iou(counts.even) < 1.0
