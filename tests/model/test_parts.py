"""Maps of a part have more tokens than those of the whole, and say the same where there is nothing more to see."""

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.networks.detail_network import DetailNetwork
from model.prediction.predictor import Predictor
from model.prediction.region_attention import attention_of_part, share_within
from model.zoo.tutorial import TutorialNetwork
from tests.tiny import disks, tiny_network


def predictor_of(network, max_pixels=None, size=(96, 128)):
    predictor = Predictor(network, "cpu", dtype=torch.float32, max_pixels=max_pixels)
    predictor.set_image(disks(0, size)[0])
    return predictor


def networks():
    torch.manual_seed(0)
    tutorial = TutorialNetwork(num_latents=4, num_heads=2).eval()
    detailed = DetailNetwork.of(tiny_network(), (0, 1)).give_classes_a_backbone().eval()
    return [tiny_network(), detailed, tutorial]


@pytest.mark.parametrize("network", networks(), ids=["default", "detail", "tutorial"])
def test_the_whole_image_as_a_part_has_the_maps_of_the_image(network):
    predictor = predictor_of(network)
    whole = predictor.attention()
    part = predictor.attention((0, 0, 96, 128), whole)
    assert np.allclose(part.mix, whole.mix, atol=1e-5)
    assert np.allclose(part.look, whole.look, atol=1e-5)
    assert (part.shape, part.stride, part.origin) == (whole.shape, whole.stride, (0, 0))


@pytest.mark.parametrize("network", networks(), ids=["default", "detail", "tutorial"])
def test_a_part_of_a_reduced_image_has_more_tokens_and_is_encoded_once(network):
    predictor = predictor_of(network, max_pixels=1024)
    whole, runs = predictor.attention(), predictor.encoder_runs
    part = predictor.attention((20, 40, 60, 100), whole)
    assert predictor.encoder_runs == runs + 1
    assert whole.stride > 2 * part.stride == 8
    assert part.look.shape == part.mix.shape == (2, 4, 10, 15)
    assert (part.shape, part.origin) == ((40, 60), (20, 40))
    assert np.allclose(part.mix.sum(1), 1, atol=1e-5)
    assert np.allclose(part.look.sum((-1, -2)), share_within(whole, (20, 40, 60, 100)), atol=1e-5)


def test_parts_of_an_image_share_its_look_among_them():
    whole = predictor_of(tiny_network(), max_pixels=1024).attention()
    shares = [share_within(whole, (row, col, row + 48, col + 64)) for row in (0, 48) for col in (0, 64)]
    assert np.sum(shares, axis=0) == pytest.approx(1, abs=1e-4)
    assert share_within(whole, (0, 0, 96, 128)) == pytest.approx(1, abs=1e-5)


def test_a_large_part_is_reduced():
    predictor = predictor_of(tiny_network(), max_pixels=1024)
    image = predictor.encoding
    part = attention_of_part(image, predictor._runner, (0, 0, 96, 96), predictor.attention(), max_pixels=2304)
    assert part.stride == 8
    assert part.mix.shape[-2:] == (12, 12)


@pytest.mark.parametrize("region", [(0, 0, 0, 5), (5, 5, 4, 9), (-1, 0, 5, 5), (0, 0, 97, 5)])
def test_regions_outside_are_refused(region):
    with pytest.raises(ModelError, match="region"):
        predictor_of(tiny_network()).attention(region)
