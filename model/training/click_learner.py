"""How a copy of the click decoder learns from a few objects: simulated clicks, and a pull back to where it began."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from model.networks.network import LatentExpertNetwork, ObjectOutput, PromptTensors
from model.networks.taught_clicks import TaughtClicks, look_at
from model.prediction.device import DeviceChoice
from model.training.click_views import ClickView, Seen
from model.training.clock import rate_at
from model.training.losses import answer_loss
from model.training.simulated_clicks import add_click, add_pair, next_click

RATE: Final = 2e-4
PULL: Final = 0.005
"""Share of the way back to where it began that every step goes, at the full rate."""

MOST_ROUNDS: Final = 5
PAIRS: Final = 0.3
"""Share of the clicks between the first and the last that come as one on each side: states with many clicks."""

FAR_WEIGHT: Final = 0.5
ALIKE: Final = 0.8
"""A click is on something like the objects if it is at least so alike, as a share of how alike they are themselves."""

LOOKS: Final = 2
"""Of every view: from afar and zoomed in."""

_ALWAYS: Final = -2.0
_MAX_GRADIENT: Final = 1.0


class ClickLearner:
    """Teaches a copy of the click decoder; all else of the network stays.

    Args:
        network: from `teachable`, on its device; its taught decoder learns in place.
        choice: device and number format.
        generator: of the clicks, on the CPU.
    """

    def __init__(
        self, network: LatentExpertNetwork, choice: DeviceChoice, generator: torch.Generator
    ) -> None:
        self._network = network.requires_grad_(False).eval()
        self._choice = choice
        self._generator = generator
        taught = _taught(network)
        self._parameters: list[Tensor] = list(taught.decoder.parameters())
        self._anchors = [each.detach().clone() for each in self._parameters]
        for each in self._parameters:
            each.requires_grad_(True)
        self._optimiser = torch.optim.AdamW(self._parameters, lr=RATE, weight_decay=0.0)
        taught.least.fill_(_ALWAYS)

    def step(self, view: ClickView, progress: float) -> float:
        """Click on an object one to `MOST_ROUNDS` times, learn from the first and the last answer; the loss.

        Args:
            view: of the object.
            progress: share of the time that is over, 0..1.
        """
        factor = rate_at(progress)
        for group in self._optimiser.param_groups:
            group["lr"] = RATE * factor
        rounds = int(torch.randint(1, MOST_ROUNDS + 1, (), generator=self._generator))
        target = view.close.target
        inside = torch.cat((target, torch.zeros_like(target)), 1) > 0  # [1, 2, h, w]
        prompts, previous, total = PromptTensors(*next_click(inside, self._generator)), None, 0.0
        for number in range(rounds):
            is_learned = number in (0, rounds - 1)
            far, close = self._answers(view, prompts, previous, is_learned=is_learned)
            if is_learned:
                total += self._learn(view, far, close)
            answer = close.logits.detach().float()
            previous = view.put_back(far.logits.detach().float(), answer)
            prompts = self._clicked_again(prompts, answer, target, is_last=number >= rounds - 2)
        torch.nn.utils.clip_grad_norm_(self._parameters, _MAX_GRADIENT)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        with torch.no_grad():
            torch._foreach_lerp_(self._parameters, self._anchors, PULL * factor)
        return total

    @torch.no_grad()
    def remember(self, views: Sequence[ClickView]) -> None:
        """Have the taught decoder answer clicks on what looks like the objects in ``views``, and no others."""
        taught = _taught(self._network)
        seen = [part for view in views for part in (view.far, view.close)]
        looks = torch.cat([_look_of(part) for part in seen])  # [N, C]
        alike = looks @ looks.T
        own = torch.arange(len(seen), device=looks.device) // LOOKS
        alike = alike.masked_fill(own[:, None] == own, -1.0)  # the same view says nothing
        taught.looks.copy_(looks)
        taught.least.copy_(ALIKE * alike.amax(1).median())

    def _clicked_again(
        self, prompts: PromptTensors, answer: Tensor, target: Tensor, *, is_last: bool
    ) -> PromptTensors:
        valid = torch.ones_like(target)
        if not is_last and float(torch.rand((), generator=self._generator)) < PAIRS:
            return add_pair(prompts, answer, target, valid, self._generator)
        return add_click(prompts, answer, target, valid, self._generator)

    def _answers(
        self, view: ClickView, prompts: PromptTensors, previous: Tensor | None, *, is_learned: bool
    ) -> tuple[ObjectOutput, ObjectOutput]:
        """The answer from afar, and the one zoomed in that goes on from it. Clicks are in pixels of the latter."""
        afar = PromptTensors(view.out_of(prompts.points), prompts.labels)
        kind, dtype = self._choice.device.type, self._choice.dtype
        with (
            torch.set_grad_enabled(is_learned),
            torch.autocast(kind, dtype=dtype, enabled=dtype != torch.float32),
        ):
            far = self._network.segment(view.far.encoding, afar, previous=previous)
            seen = view.zoomed_in(far.logits.detach())
            return far, self._network.segment(view.close.encoding, prompts, previous=seen)

    def _learn(self, view: ClickView, far: ObjectOutput, close: ObjectOutput) -> float:
        loss = _loss(close, view.close) + FAR_WEIGHT * _loss(far, view.far)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())


def teachable(network: LatentExpertNetwork, num_views: int) -> LatentExpertNetwork:
    """A copy with a second click decoder that is like the first, whatever was taught before.

    Args:
        network: stays as it is.
        num_views: it will learn from.
    """
    made = copy.deepcopy(network)
    num_looks = LOOKS * num_views
    made.config = replace(network.config, num_taught=num_looks)
    sizes = made.config.click_sizes
    taught = TaughtClicks(num_looks=num_looks, decoder=sizes, dim=made.config.click_widths[4])
    known = {name: value for name, value in made.click.state_dict().items() if not name.startswith(_UNUSED)}
    taught.decoder.load_state_dict(known)
    made.taught = taught.to(made.experts.device)
    return made


_UNUSED: Final = ("bases.", "candidates.")


def _look_of(seen: Seen) -> Tensor:
    """What an object looks like in its middle, [1, C]."""
    rows, cols = torch.nonzero(seen.target[0, 0] > 0, as_tuple=True)
    if len(rows) == 0:  # too small to be seen
        rows, cols = torch.nonzero(seen.target[0, 0] >= 0, as_tuple=True)
    middle = torch.stack((cols.float().mean(), rows.float().mean()))
    away = (cols - middle[0]) ** 2 + (rows - middle[1]) ** 2
    place = int(away.argmin())  # the middle of a ring is not part of it
    xy = torch.stack((cols[place], rows[place])).float() + 0.5
    return look_at(seen.encoding.base, xy[None, None], seen.encoding.padded)[0]


def _taught(network: LatentExpertNetwork) -> TaughtClicks:
    if network.taught is None:
        raise TypeError("this network has no second click decoder")
    return network.taught


def _loss(output: ObjectOutput, seen: Seen) -> Tensor:
    loss, _ = answer_loss(output.logits, output.score.float(), seen.target, torch.ones_like(seen.target))
    return loss
