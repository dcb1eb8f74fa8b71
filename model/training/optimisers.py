"""What the user may choose about learning: the optimiser, and which parts of the network take part."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import torch
from torch import nn

from model.networks.detail_network import DetailNetwork
from model.training.types import FineTuneConfig

Groups = list[tuple[float, Mapping[str, nn.Parameter]]]
"""Learning rate -> named parameters."""

WEIGHT_DECAY: Final = 1e-2
MOMENTUM: Final = 0.9
SGD_FACTOR: Final = 10.0
"""Plain gradients want larger steps than normalised ones: rates are stated for AdamW."""

_EVERYTHING: Final = ("head", "experts", "top", "bottom")
_LEARNS: Final[Mapping[str, tuple[str, ...]]] = {
    "head": ("head",),
    "experts": ("head", "experts"),
    "top": ("head", "experts", "top"),
    "all": _EVERYTHING,
    "auto": _EVERYTHING,
}
"""What of `DetailNetwork.parameter_groups` may learn, for each of `PARTS`."""


@cache
def warm_up() -> None:
    """Let torch import what its optimisers need: more than a second, the first time one is made."""
    torch.optim.AdamW([nn.Parameter(torch.zeros(1))])


def make_optimiser(name: str, groups: Groups) -> torch.optim.Optimizer:
    """The optimiser called ``name`` (one of `OPTIMISERS`) for ``groups``."""
    table = [{"params": list(group.values()), "lr": rate} for rate, group in groups]
    if name == "sgd":
        return torch.optim.SGD(
            table, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY / SGD_FACTOR, foreach=True
        )
    makers: dict[str, Any] = {
        "adamw": torch.optim.AdamW,
        "adam": torch.optim.Adam,
        "nadam": torch.optim.NAdam,
    }
    decay = {"adamw": {"weight_decay": WEIGHT_DECAY}, "nadam": {"weight_decay": WEIGHT_DECAY}}.get(name, {})
    decoupled = {"decoupled_weight_decay": True} if name == "nadam" else {}
    made: torch.optim.Optimizer = makers[name](table, foreach=True, **decay, **decoupled)
    return made


def rate_factor(name: str) -> float:
    """What rates that suit AdamW are multiplied with for the optimiser called ``name``."""
    return SGD_FACTOR if name == "sgd" else 1.0


def learning(groups: Groups, parts: str, network: DetailNetwork) -> Groups:
    """Of ``groups``, what may learn where the user chose ``parts`` (one of `PARTS`)."""
    anatomy = network.parameter_groups()
    may_learn = {name for part in _LEARNS[parts] for name in anatomy[part]}
    chosen = [
        (rate, {name: parameter for name, parameter in group.items() if name in may_learn})
        for rate, group in groups
    ]
    return [(rate, group) for rate, group in chosen if group]


def speed_of(config: FineTuneConfig) -> str:
    """The speed whose phases fit the parts: a backbone learns only where it is given the time."""
    if config.speed != "live" and config.parts in ("top", "all"):
        return "thorough"
    if config.speed == "thorough" and config.parts in ("head", "experts"):
        return "quick"
    return config.speed
