"""A network learns step by step from squares of pictures, where no features are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from model.networks.randomness import own_randomness, seed_for
from model.prediction.device import DeviceChoice, free_cached_memory, is_out_of_memory
from model.training.clock import Average, TrainingClock, rate_at
from model.training.distributed import ProcessGroup
from model.training.object_loss import loss_with_objects
from model.training.objective import Objective
from model.training.optimisers import Groups, make_optimiser, rate_factor
from model.training.session import MAX_GRADIENT, DivergedError
from model.training.squares import Squares
from model.training.types import FineTuneConfig
from model.zoo.encoders import encoders_in
from model.zoo.objects import ObjectNetwork

BATCH: Final = 2
"""Squares of a step: in so little time, steps are worth more than steady gradients."""

RATE: Final = 1e-3

ENCODER_SHARE: Final = 0.3
"""Of the rate, for a pretrained encoder: it knows more than a few pictures can tell it."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a run takes place, and with which other processes."""

    choice: DeviceChoice
    processes: ProcessGroup

    def autocast(self) -> torch.autocast:
        """Compute in the number format of the device."""
        dtype = self.choice.dtype
        return torch.autocast(self.choice.device.type, dtype=dtype, enabled=dtype != torch.float32)

    def logits(self, network: Any, images: torch.Tensor) -> torch.Tensor:
        """Class logits [B, C, H, W] of images [B, 3, H, W] in 0..1."""
        encode = network.encode_for_classes if isinstance(network, ObjectNetwork) else network.encode
        with self.autocast():
            logits: torch.Tensor = network.classify(encode(images)).logits
        return logits


class Learner:
    """A network, its optimiser, and the average of its weights.

    Args:
        network: that learns, on the device of ``site``.
        squares: what it learns from.
        objective: of the classes.
        config: of the run.
        site: of the run.
    """

    def __init__(
        self, network: nn.Module, squares: Squares, objective: Objective, config: FineTuneConfig, site: Site
    ) -> None:
        self._network, self._squares, self._objective = network, squares, objective
        self._seed, self._site = config.seed, site
        named = dict(network.requires_grad_(True).named_parameters())
        self._parameters = list(named.values())
        rate = (config.learning_rate or RATE) * rate_factor(config.optimiser)
        groups = _groups(network, rate)
        self._rates = [rate for rate, _ in groups]
        self._optimiser = make_optimiser(config.optimiser, groups)
        self._batch = BATCH
        self.average = Average(named)

    def step(self, number: int, clock: TrainingClock, end: float) -> float:
        """One step; its loss.

        Args:
            number: of the step; what layers draw follows from it.
            clock: of the run.
            end: share of the clock at which learning ends.

        Raises:
            DivergedError: loss or gradient are no numbers; the weights are as before.
        """
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * rate_at(clock.fraction / end)
        self._network.train()
        processes = self._site.processes
        what = f"layers {number} {processes.rank}"
        with own_randomness(seed_for(what, self._seed), self._site.choice.device):
            loss = self._gradient()
        self._network.eval()
        loss = processes.average(self._parameters, loss, clock)
        learned = [p for p in self._parameters if p.grad is not None]
        norm = float(nn.utils.clip_grad_norm_(learned, MAX_GRADIENT))
        if not (abs(loss) < float("inf") and norm < float("inf")):
            raise DivergedError(
                "Training diverged: the loss or a weight is no longer a finite number.",
                action="The last good weights are used; try a smaller learning rate.",
            )
        self._optimiser.step()
        self.average.update()
        return loss

    def _gradient(self) -> float:
        """The loss of a batch, which is halved where memory ends; its gradient is left in the parameters."""
        while True:
            self._optimiser.zero_grad(set_to_none=True)
            try:
                loss = self._loss()
                loss.backward()  # type: ignore[no-untyped-call]
                return float(loss.detach())
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self._batch == 1:
                    raise
            self._batch //= 2
            free_cached_memory(self._site.choice.device)

    def _loss(self) -> torch.Tensor:
        """The loss of a batch."""
        device = self._site.choice.device
        if isinstance(self._network, ObjectNetwork) and self._network.regions is not None:
            squares = [self._squares.square() for _ in range(self._batch)]
            with self._site.autocast():
                return loss_with_objects(
                    self._network, self._network.regions, squares, self._objective, device
                )
        images, labels = (each.to(device) for each in self._squares.batch(self._batch))
        return self._objective(self._site.logits(self._network, images), labels)


def _groups(network: nn.Module, rate: float) -> Groups:
    """All parameters with their rates; those of a pretrained encoder with a lower one."""
    slow = {id(parameter) for encoder in encoders_in(network) for parameter in encoder.parameters()}
    parts: tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]] = ({}, {})
    for name, parameter in network.named_parameters():
        parts[id(parameter) in slow][name] = parameter
    return [(rate, parts[0]), *([(rate * ENCODER_SHARE, parts[1])] if parts[1] else [])]
