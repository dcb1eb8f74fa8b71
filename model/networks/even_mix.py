"""What a network would say if every place asked all experts alike: beside it shows what the learned mix is worth."""

from __future__ import annotations

import copy
from typing import Protocol, TypeVar, runtime_checkable

from torch import nn

from model.errors import ModelError

Network = TypeVar("Network", bound=nn.Module)


@runtime_checkable
class Mixing(Protocol):
    """A module by which places choose among experts."""

    def forget_choice(self) -> None:
        """From now on every place asks all experts alike."""


def with_even_mix(network: Network) -> Network:
    """A copy that reads classes from an even mix; it looks at images just as ``network`` does.

    Raises:
        ModelError: the network has no experts to mix.
    """
    made = copy.deepcopy(network)
    mixing = [module for module in made.modules() if isinstance(module, Mixing)]
    if not mixing:
        raise ModelError(
            "This network has no experts to mix.", action="Use the latent-expert network for that."
        )
    for module in mixing:
        module.forget_choice()
    return made
