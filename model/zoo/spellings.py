"""State dicts that spell a name another way load as well.

Written code in circulation builds some parts as a plain `nn.Sequential` and some as a named module.
The numbers are the same; only the names differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import nn


def also_reads(module: nn.Module, spellings: Mapping[str, str]) -> None:
    """Let ``module`` load state dicts in which its parameters have other names.

    Args:
        module: whose `load_state_dict` is to be tolerant.
        spellings: pattern of another name, relative to ``module`` -> its name here, as in `re.sub`.
            A name is replaced only where the network does not have it itself.
    """
    patterns = [(re.compile(other), own) for other, own in spellings.items()]

    def rename(owner: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
        expected = {prefix + name for name in owner.state_dict()}
        for name in [each for each in state if each.startswith(prefix) and each not in expected]:
            for pattern, own in patterns:
                new, count = pattern.subn(own, name[len(prefix) :])
                if count and prefix + new in expected and prefix + new not in state:
                    state[prefix + new] = state.pop(name)
                    break

    module.register_load_state_dict_pre_hook(rename)  # type: ignore[no-untyped-call]
