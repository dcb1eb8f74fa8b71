"""What is kept between runs, so that a refit after each correction need not encode again."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, Protocol

from torch import Tensor, nn

from model.networks.anatomy import named_parameters_of, without
from model.networks.detail_network import DetailNetwork
from model.training.views import LabelledWindow

MAX_BYTES: Final = 512 << 20


class Sized(Protocol):
    """What can be kept."""

    @property
    def nbytes(self) -> int:
        """Memory taken."""


class FeatureStore:
    """Features of pictures and what was made of them, the least recently used dropped.

    Args:
        max_bytes: budget.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[tuple[str, int, int], Sized] = OrderedDict()

    def get(self, picture: LabelledWindow, encoder: int) -> Any:
        """What was kept of ``picture`` for the weights of that fingerprint; None where nothing was."""
        key = _key(picture, encoder)
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, picture: LabelledWindow, encoder: int, features: Sized) -> None:
        """Keep ``features``, unless the picture has no name."""
        if not picture.name:
            return
        self._entries[_key(picture, encoder)] = features
        while len(self._entries) > 1 and sum(f.nbytes for f in self._entries.values()) > self._max_bytes:
            self._entries.popitem(last=False)


def fingerprint(network: DetailNetwork) -> int:
    """A number that differs where what encodes differs."""
    return _checksum(network.frozen_state(), 0)


def fingerprint_without(network: DetailNetwork, part: nn.Module) -> int:
    """A number that differs where anything of ``network`` but the parameters of ``part`` differs."""
    return _checksum(without(network.state_dict(), named_parameters_of(network, part)), 1)


def _checksum(state: Mapping[str, Tensor], start: int) -> int:
    total = start
    for _, value in sorted(state.items()):
        total = zlib.crc32(_bytes(value), total)
    return total


def _key(picture: LabelledWindow, encoder: int) -> tuple[str, int, int]:
    return picture.name, zlib.crc32(_bytes(picture.image)), encoder


def _bytes(values: Tensor) -> bytes:
    return values.detach().cpu().contiguous().numpy().tobytes()
