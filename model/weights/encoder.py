"""The encoder that the shipped weights hold, for the other networks that can be built on it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from torch import Tensor, nn

from model.errors import ModelError
from model.networks.efficientnet import VARIANTS
from model.weights.checkpoint import default_weights_path, load, read_meta
from model.zoo.encoders import encoders_in


def shipped_variant() -> str:
    """Which variant of EfficientNet-Lite the shipped weights hold.

    Raises:
        ModelError: none; the installation is not whole.
    """
    variant = str(read_meta(default_weights_path()).config.get("encoder", ""))
    if variant not in VARIANTS:
        raise ModelError(
            "The weights that came with the program hold no pretrained encoder.",
            action="Install the program again, or learn from scratch.",
        )
    return variant


def give_encoder(network: nn.Module) -> nn.Module:
    """``network``, whose pretrained encoders now hold the shipped weights."""
    for encoder in encoders_in(network):
        encoder.load_state_dict(_shipped_tensors())
    return network


@cache
def _shipped_tensors() -> Mapping[str, Tensor]:
    """The encoder's state dict, read once: 14 MB."""
    (encoder,) = encoders_in(load(default_weights_path())[0])
    return encoder.state_dict()
