"""What a run begins from: a pretrained encoder, and earlier weights of this program where they fit."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor, nn

from model.errors import ModelError, WeightsError
from model.networks.backbone import LiteBackbone
from model.networks.network import LatentExpertNetwork
from model.weights import checkpoint

_CUES = "click.cue_in.weight"


def begin_from(
    network: LatentExpertNetwork, *, encoder: Path | None = None, start: Path | None = None
) -> dict[str, Any]:
    """Fill ``network`` in place; return what is to be said of it in the weights' provenance.

    Args:
        network: fresh.
        encoder: file that `model.pretraining.convert` wrote, or None.
        start: weights of this program, or None. What has another name or shape stays fresh.

    Raises:
        ModelError: a file was refused or does not fit.
    """
    said: dict[str, Any] = {}
    if start is not None:
        other, _ = checkpoint.load(start)
        taken = copy_fitting(network, other)
        said["started_from"] = {"sha256": digest_of(start), "tensors": taken}
    if encoder is not None:
        if not isinstance(network.backbone, LiteBackbone):
            raise ModelError(
                "This network has no pretrained encoder.", action="Leave the encoder's file out."
            )
        try:
            network.backbone.encoder.load_state_dict(safetensors_torch.load(encoder.read_bytes()))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise WeightsError(
                f'The encoder in "{encoder}" could not be used.',
                action="Write it anew with python -m model.pretraining.convert.",
                detail=str(error)[:500],
            ) from error
        said["encoder"] = {"kind": network.config.encoder, "sha256": digest_of(encoder)}
    return said


@torch.no_grad()
def copy_fitting(network: nn.Module, other: nn.Module) -> int:
    """Copy the tensors of ``other`` that fit by name and shape; return how many.

    Evidence that the click decoder is handed may have grown: what is new counts for nothing at first.
    """
    own, theirs = network.state_dict(), other.state_dict()
    taken = 0
    for name, value in theirs.items():
        if name not in own:
            continue
        if own[name].shape == value.shape:
            own[name].copy_(value)
        elif name == _CUES and own[name].shape[1] > value.shape[1]:
            own[name].copy_(_widened(value, own[name].shape[1]))
        else:
            continue
        taken += 1
    return taken


def _widened(kernel: Tensor, channels: int) -> Tensor:
    """Kernel [out, in, k, k] for more channels that come in, the new ones with 0."""
    wide = kernel.new_zeros(kernel.shape[0], channels, *kernel.shape[2:])
    wide[:, : kernel.shape[1]] = kernel
    return wide


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
