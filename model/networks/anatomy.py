"""Tensors of parts of a network under their full names, so that nobody has to know how names begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class Anatomical(Protocol):
    """A network that knows what its parts are for."""

    def encoding_state(self) -> dict[str, Tensor]:
        """Tensors, by full name, that encoding computes with."""

    def attention_state(self) -> dict[str, Tensor]:
        """Tensors, by full name, that decide what experts attend to for classes."""


def encoding_state(network: nn.Module) -> Mapping[str, Tensor]:
    """Tensors that encoding computes with; all of them where the network does not say."""
    return network.encoding_state() if isinstance(network, Anatomical) else network.state_dict()


def attention_state(network: nn.Module) -> Mapping[str, Tensor]:
    """Tensors that decide what experts attend to for classes; all of them where the network does not say."""
    return network.attention_state() if isinstance(network, Anatomical) else network.state_dict()


def tensors_of(network: nn.Module, *parts: str) -> dict[str, Tensor]:
    """The tensors of parts of ``network``, by the names that they have in its state.

    Args:
        network: stays as it is.
        parts: names of modules or parameters, attributes of ``network``; None there counts as nothing.
    """
    found: dict[str, Tensor] = {}
    for name in parts:
        part = getattr(network, name)
        if isinstance(part, Tensor):
            found[name] = part.detach()
        elif part is not None:
            found |= {f"{name}.{key}": value for key, value in part.state_dict().items()}
    return found


def without(state: Mapping[str, Tensor], left_out: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``state`` but for the names in ``left_out``."""
    return {name: value for name, value in state.items() if name not in left_out}


def named_parameters_of(network: nn.Module, *parts: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters of modules in ``network``, part by part, by their full names."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return {names[id(parameter)]: parameter for part in parts for parameter in part.parameters()}
