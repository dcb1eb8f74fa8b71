"""Whether two predictors see pictures alike: then what one has encoded serves the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from model.networks.anatomy import attention_state, encoding_state
from model.prediction.predictor import Predictor


def encode_alike(one: Predictor, other: Predictor) -> bool:
    """Whether pictures encoded by one would come out the same in the other, bit for bit."""
    return type(one.network) is type(other.network) and _is_same(one, other, encoding_state)


def attend_alike(one: Predictor, other: Predictor) -> bool:
    """Whether the `attention` of both is the same on every picture."""
    return _are_kin(one.network, other.network) and _is_same(one, other, attention_state)


def _are_kin(one: nn.Module, other: nn.Module) -> bool:
    """Whether one network is of the kind of the other, or has more to it."""
    return isinstance(one, type(other)) or isinstance(other, type(one))


def _is_same(one: Predictor, other: Predictor, state_of: Callable[[nn.Module], Mapping[str, Tensor]]) -> bool:
    """Whether two see images at the same size, on the same device, in the same format, and a state is the same."""
    mine, theirs = one.device, other.device
    is_alike = mine.device == theirs.device and mine.dtype == theirs.dtype
    if not is_alike or one.max_pixels != other.max_pixels:
        return False
    if getattr(one.network, "separates", False) != getattr(other.network, "separates", False):
        return False  # dark pictures are brightened for one of them
    own, foreign = state_of(one.network), state_of(other.network)
    return own.keys() == foreign.keys() and all(torch.equal(t, foreign[n]) for n, t in own.items())
