"""How a run spends its budget: learning rate, crop sizes, running average of the weights."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from model.pretraining.run_folder import LOG

LONGEST: Final = 2.0
"""Gradients are no longer than this."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Crops of one size class, from a share of the budget on.

    Attributes:
        start: share of the budget at which it begins.
        batch: crops per step.
        sizes: heights and widths to draw from.
    """

    start: float
    batch: int
    sizes: tuple[tuple[int, int], ...]


STAGES = (
    Stage(0.0, 24, ((128, 160), (160, 128), (128, 128))),
    Stage(0.3, 14, ((160, 224), (224, 160), (192, 192))),
    Stage(0.65, 8, ((224, 320), (320, 224), (256, 256))),
)


def stage_at(progress: float, stages: tuple[Stage, ...] = STAGES) -> int:
    """Index of the stage that a share of the budget falls into."""
    return max(i for i, stage in enumerate(stages) if progress >= stage.start)


def learning_rate(step: int, progress: float, *, peak: float, warmup: int = 120) -> float:
    """Linear warm-up over steps, then a cosine over the budget."""
    return peak * min(1.0, (step + 1) / warmup) * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0)))


def descend(loss: Tensor, trained: nn.Module, optimiser: torch.optim.Optimizer, *, step: int) -> Tensor:
    """Go one step down, unless the gradient is not finite; returns its norm, a scalar.

    Args:
        loss: a scalar.
        trained: whose gradient is bounded.
        optimiser: of its parameters.
        step: number of the step, for the log.
    """
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(trained.parameters(), LONGEST)
    if bool(torch.isfinite(norm)):
        optimiser.step()
    else:
        LOG.warning("step %d was left out: its gradient is not finite", step)
    return norm


class Budget:
    """Steps or seconds, counted over all resumptions.

    Args:
        steps: end after so many steps; 0: seconds decide.
        seconds: end after so long.
        spent: seconds of earlier runs.
    """

    def __init__(self, *, steps: int, seconds: float, spent: float = 0.0) -> None:
        self._steps = steps
        self._seconds = seconds
        self._spent = spent
        self._start = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return self._spent + time.monotonic() - self._start

    def progress(self, step: int) -> float:
        """Share of the budget that is used when ``step`` steps are done."""
        return step / self._steps if self._steps else self.spent / self._seconds


class AverageWeights:
    """Exponential moving average of a state dict; what is evaluated and shipped."""

    def __init__(self, network: nn.Module, decay: float = 0.998) -> None:
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the weights of ``network``; faster in the first steps."""
        decay = min(self.decay, (step + 1) / (step + 10))
        kept: list[Tensor] = []
        fresh: list[Tensor] = []
        for key, value in network.state_dict().items():
            kept.append(self.state[key])
            fresh.append(value)
        torch._foreach_lerp_(kept, fresh, 1 - decay)
