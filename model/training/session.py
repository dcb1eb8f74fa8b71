"""What the phases of one run share: the network, its views, the random numbers, one optimiser step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor, nn

from model.errors import ModelError
from model.networks.detail_head import Levels
from model.networks.detail_network import DetailNetwork
from model.networks.randomness import own_randomness, seed_for
from model.prediction.device import DeviceChoice
from model.training.clock import Average, TrainingClock, rate_at
from model.training.crf_loss import STRENGTH, potts_energy, trust
from model.training.distributed import ProcessGroup
from model.training.objective import Objective
from model.training.optimisers import Groups, learning, make_optimiser, rate_factor
from model.training.types import FineTuneConfig
from model.training.views import LIGHT, OBJECT_SIZES, SCALE_RANGE, LabelledWindow, View, vary

MAX_GRADIENT: Final = 5.0
BATCH: Final = 4


class DivergedError(ModelError):
    """The loss is no number any more."""


@dataclass(slots=True, eq=False)
class TrainingSession:
    """State of a run.

    Attributes:
        network: being trained.
        config: what was asked for.
        choice: device and number format.
        clock: the time budget.
        objective: the loss.
        pictures: labelled windows.
        views: encoded; the first ``encoded`` are pictures as they are.
        generator: of all random choices.
        step: optimiser steps done.
        loss: of the last step.
        batch: crops per step; halved where memory runs out.
        encoded: so many pictures, from the first on, are views as they are.
        needed: so many pictures, from the first on, have all classes between them.
        processes: the processes that learn together.
        is_sparse: whether most pixels have no label.
        is_upright: whether pictures have an up; they are not turned then.
        is_mirrored: whether pictures are mirrored when they are varied.
        light: strength of changes of light and colour when pictures are varied.
        scarcity: of labelled images; see `model.training.views.scarcity_of`.
        painted: classes of which something was painted, not accepted as whole objects.
        things: classes whose objects the network learns to tell apart.
        hears_objects: whether what is known of any object has a say; see `model.training.acquaintance`.
    """

    network: DetailNetwork
    config: FineTuneConfig
    choice: DeviceChoice
    clock: TrainingClock
    objective: Objective
    pictures: list[LabelledWindow]
    generator: torch.Generator
    views: list[View] = field(default_factory=list)
    step: int = 0
    loss: float = float("nan")
    batch: int = BATCH
    encoded: int = 0
    needed: int = 1
    processes: ProcessGroup = field(default_factory=ProcessGroup)
    is_sparse: bool = False
    is_upright: bool = False
    is_mirrored: bool = True
    light: float = LIGHT
    scarcity: float = 1.0
    painted: frozenset[int] = frozenset()
    things: frozenset[int] = frozenset()
    hears_objects: bool = False

    @property
    def object_class(self) -> int | None:
        """The class of which what is known of any object can speak once learning is over; None where it cannot.

        It says "object" or "none", so there has to be one class beside the objects; and it reads the shared backbone.
        """
        network = self.network
        is_able = network.known_objects is not None and network.class_backbone is None
        is_asked = len(self.things) == 1 and self.config.num_classes == 2
        return min(self.things) if is_able and is_asked else None

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the heavy layers."""
        return self.choice.dtype

    def autocast(self) -> torch.autocast:
        """Compute in `dtype`."""
        kind = self.choice.device.type
        return torch.autocast(kind, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def varied(self, picture: LabelledWindow) -> LabelledWindow:
        """A random variation of a picture, as strong as the settings want it."""
        strength, scarcity = self.config.augmentation, self.scarcity
        return vary(
            picture,
            self.generator,
            strength,
            scarcity=scarcity,
            is_upright=self.is_upright,
            is_mirrored=self.is_mirrored,
            light=self.light,
            sizes=OBJECT_SIZES if self.things else SCALE_RANGE,
        )

    def with_answers(self, levels: Levels, experts: Tensor) -> Levels:
        """Levels as the experts answer them."""
        with self.autocast():
            answered, _ = self.network.answered(levels, experts)
        return answered

    def disagreement(self, logits: Tensor, labels: Tensor, levels: Levels) -> Tensor:
        """What pixels without a label add to the loss; it grows for half of the time, as answers get better."""
        if not self.is_sparse:
            return logits.new_zeros(())
        weight = STRENGTH * min(1.0, 2 * self.clock.fraction) * trust(logits, labels)
        return weight * potts_energy(logits, self.network.head.colours(levels.fine), self.generator)

    @torch.no_grad()
    def logits_of(self, view: View) -> Tensor:
        """Class logits [C, H, W] of a whole view."""
        with self.autocast():
            levels = self.with_answers(view.features.levels, view.features.experts)
            return self.network.logits_and_depth(levels)[0][0].float()


class Optimiser:
    """The chosen optimiser with a schedule over a share of the clock, clipping, and an average of the weights.

    Args:
        session: of the run.
        groups: learning rate -> named parameters.
        end: share of the clock at which the phase ends; its cosine is down by then.
    """

    def __init__(self, session: TrainingSession, groups: Groups, end: float) -> None:
        self._session = session
        groups = learning(groups, session.config.parts, session.network)
        session.processes.agree(session.clock, session.choice.device)
        self._start, self._end = session.clock.fraction, end
        named = {name: parameter for _, group in groups for name, parameter in group.items()}
        self._parameters = list(named.values())
        for parameter in session.network.parameters():
            parameter.requires_grad_(False)
        for parameter in self._parameters:
            parameter.requires_grad_(True)
        factor = rate_factor(session.config.optimiser)
        self._rates = [rate * factor for rate, _ in groups]
        self._inner = make_optimiser(session.config.optimiser, groups)
        self.average = Average(named)
        # Apart from the generator of the crops, so that these do not depend on what layers draw.
        what = f"layers {session.step} {session.processes.rank}"
        self._seeds = torch.Generator().manual_seed(seed_for(what, session.config.seed))

    def _next_seed(self) -> int:
        """Of what layers draw in the next step."""
        return int(torch.randint(1 << 31, (), generator=self._seeds))

    @property
    def progress(self) -> float:
        """Share of the phase that is over, 0..1."""
        length = max(self._end - self._start, 1e-6)
        return min(1.0, (self._session.clock.fraction - self._start) / length)

    def step(self, loss_of: Callable[[], Tensor]) -> None:
        """One step; raises DivergedError where loss or gradient are no numbers, before they do harm."""
        for group, rate in zip(self._inner.param_groups, self._rates, strict=True):
            group["lr"] = rate * rate_at(self.progress)
        self._inner.zero_grad(set_to_none=True)
        self._session.network.train()
        with own_randomness(self._next_seed(), self._session.choice.device):
            loss = loss_of()
        self._session.network.eval()
        loss.backward()  # type: ignore[no-untyped-call]
        value = self._session.processes.average(self._parameters, float(loss.detach()), self._session.clock)
        norm = float(
            nn.utils.clip_grad_norm_([p for p in self._parameters if p.grad is not None], MAX_GRADIENT)
        )
        if not (abs(value) < float("inf") and norm < float("inf")):
            raise DivergedError(
                "Training diverged: the loss or a weight is no longer a finite number.",
                action="The last good weights are used; try a smaller learning rate.",
            )
        self._inner.step()
        self.average.update()
        self._session.step += 1
        self._session.loss = value


def below(session: TrainingSession, limit: int) -> int:
    """A random whole number from 0 to below ``limit``."""
    return int(torch.randint(limit, (), generator=session.generator))
