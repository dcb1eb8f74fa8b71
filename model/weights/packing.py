"""Weights in a quarter of their size: whole numbers of 8 bits and a scale for each row.

A row is what leads to one output: the first axis. Its numbers are rounded to 127ths of its largest one. A packed file
is for shipping; it is widened on loading, and what is learned from it is saved in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from model.weights.checks import Header, TensorEntry

SCALE: Final = "::scale"
"""What the name of a tensor is followed by, where it names the scales of its rows."""

_LEVELS: Final = 127
_SMALLEST: Final = 2048
"""Numbers in a tensor that is worth packing; smaller ones keep 16 bits."""


def quantised(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a state dict, large ones with 8 bits and scales (float32), the others with 16 bits.

    Args:
        state: by name; floating point, all finite.
    """
    made: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            made[name] = tensor
        elif tensor.ndim < 2 or tensor.numel() < _SMALLEST:
            made[name] = tensor.half()
        else:
            rows = tensor.float().flatten(1)  # [out, in]
            scales = rows.abs().amax(1).clamp(min=torch.finfo(torch.float32).tiny * _LEVELS) / _LEVELS
            whole = (rows / scales[:, None]).round().to(torch.int8)  # [out, in]
            made[name] = whole.view(tensor.shape)  # [out, ...]
            made[name + SCALE] = scales
    return made


def dequantised(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As before `quantised`, in float32 where a tensor was packed; what was not packed stays as it is."""
    made: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name.endswith(SCALE):
            continue
        scales = state.get(name + SCALE)
        if scales is None:
            made[name] = tensor
        else:
            made[name] = tensor.float() * scales.view(-1, *(1,) * (tensor.ndim - 1))  # [out, ...]
    return made


def dequantised_header(header: Header) -> Header:
    """What the header of a packed file says of the tensors that come out of it, as if they had 16 bits.

    A tensor whose scales do not fit stays as it is declared, so that it is refused for its number format.
    """
    tensors = dict(header.tensors)
    for name, scales in header.tensors.items():
        tensor = tensors.get(name.removesuffix(SCALE))
        if not name.endswith(SCALE) or tensor is None or not _fit(tensor, scales):
            continue
        del tensors[name]
        tensors[name.removesuffix(SCALE)] = TensorEntry("F16", tensor.shape, tensor.start, tensor.end)
    return Header(tensors, header.metadata)


def _fit(tensor: TensorEntry, scales: TensorEntry) -> bool:
    is_packed = tensor.dtype == "I8" and len(tensor.shape) > 1
    return is_packed and scales.dtype == "F32" and scales.shape == tensor.shape[:1]
