"""The probe learns by itself, in seconds, and joins the others once they have learned by themselves, too.

Learned together, whoever is quicker takes what there is to learn, and the errors of both are the same. Learned
apart and averaged, logits are those of a product of experts (Hinton 2002), in which only what both allow is sure.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.anatomy import named_parameters_of
from model.networks.backbone import upsample_to
from model.networks.probe import Probe
from model.training.pixels import PER_STEP, at_pixels, some_of_each
from model.training.session import Optimiser, TrainingSession
from model.training.views import View

PIXELS: Final = 60_000
"""Of all pictures and their variations together."""

COMMONNESS: Final = 0.5
"""Classes are drawn by this power of their pixels, as others weigh them; drawn alike, rare ones are seen everywhere."""

RATE: Final = 3e-3
SHARES: Final = (0.2, 0.35, 0.5, 0.65, 0.8)
"""What the probe may have in the mean of both."""

USUAL_SHARE: Final = 0.65
"""Of the probe, where nothing is known: it knows few pictures less by heart."""

USUAL_AMONG_OBJECTS: Final = 0.5
"""The same where objects are told apart: depth, which cuts them, learns beside the context path."""

TRUST: Final = 0.5
"""How far the share goes from there towards that which served best: few images are left out, and for a while."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Labelled pixels.

    Attributes:
        rows: int64 [N].
        cols: int64 [N].
        features: [N, D].
        votes: logits that the experts vote for [N, C].
        decided: what the probe is multiplied with: how far the places have chosen among experts [N, 1].
        labels: int64 [N].
    """

    rows: Tensor
    cols: Tensor
    features: Tensor
    votes: Tensor
    decided: Tensor
    labels: Tensor


class Probing:
    """Teaches the probe of a session's network, and keeps what it knows aside while the others learn.

    Args:
        session: whose pictures are encoded.
    """

    def __init__(self, session: TrainingSession) -> None:
        self._session = session
        self._aside: dict[str, Tensor] = {}
        self._usual = USUAL_AMONG_OBJECTS if session.things else USUAL_SHARE
        self._share = self._usual

    def learn(self, end: float) -> Iterator[str]:
        """Teach until the share ``end`` of the time; nothing where there is no probe."""
        session, probe = self._session, self._session.network.probe
        if probe is None:
            return
        self._take_back(probe)
        sample = self._sample(probe)
        optimiser = Optimiser(session, [(RATE, named_parameters_of(session.network, probe.path))], end)
        while session.clock.fraction < end and len(sample.labels):
            size = (min(PER_STEP, len(sample.labels)),)
            picked = torch.randint(len(sample.labels), size, generator=session.generator)
            optimiser.step(partial(_loss, probe, sample, picked.to(sample.labels.device)))
            yield "learning pixels"
        optimiser.average.swap()

    def set_aside(self) -> None:
        """Let the probe say nothing until `join`."""
        probe = self._session.network.probe
        if probe is not None and not probe.is_silent:
            self._aside = {name: value.clone() for name, value in probe.path.last.state_dict().items()}
            probe.path.silence()

    def join(self) -> None:
        """Make the mean of what the probe and the others say the answer; nothing where that was done."""
        network = self._session.network
        if network.probe is None or not self._aside:
            return
        self._take_back(network.probe)
        network.probe.scale(self._share)
        for layer in (network.class_head.pixels, network.head.context.last):
            _scale(layer, 1 - self._share)

    def _take_back(self, probe: Probe) -> None:
        if self._aside:
            probe.path.last.load_state_dict(self._aside)
            self._aside = {}

    @torch.no_grad()
    def weigh(self) -> None:
        """Choose the share of the probe, which is set aside, by the pixels that nobody has learned from."""
        session, network = self._session, self._session.network
        if network.probe is None or not self._aside:
            return
        last = copy.deepcopy(network.probe.path.last)
        last.load_state_dict(self._aside)
        losses = torch.zeros(len(SHARES))
        for view in session.views[: session.encoded]:
            sample = self._of_view(view, view.held, PIXELS // session.encoded)
            hidden = network.probe.path.hidden(network.probe.standardise(sample.features))
            said = last(hidden) * sample.decided
            others = session.logits_of(view)[:, sample.rows, sample.cols].T - sample.votes
            for index, share in enumerate(SHARES):
                logits = sample.votes + (1 - share) * others + share * said
                losses[index] += F.cross_entropy(logits, sample.labels, reduction="sum").cpu()
        losses = session.processes.total(losses, session.choice.device).cpu()
        if bool(losses.any()):
            self._share = self._usual + TRUST * (SHARES[int(losses.argmin())] - self._usual)

    @torch.no_grad()
    def _sample(self, probe: Probe) -> _Sample:
        """Pixels of all views, every view with as many, and every class in it."""
        views = self._session.views
        sample = _joined([self._of_view(view, view.train, PIXELS // max(1, len(views))) for view in views])
        if probe.is_silent and len(sample.labels):
            processes, device = self._session.processes, self._session.choice.device
            mean = processes.total(sample.features.mean(0), device) / processes.size
            square = processes.total(sample.features.square().mean(0), device) / processes.size
            probe.means.copy_(mean)
            probe.scales.copy_(1 / ((square - mean.square()).clamp(min=0).sqrt() + 1e-3))
        return replace(sample, features=probe.standardise(sample.features))

    def _of_view(self, view: View, labels: Tensor, limit: int) -> _Sample:
        """Some pixels of those that have one of ``labels``, uint8 [H, W]."""
        session = self._session
        levels, probe = view.features.levels, session.network.probe
        if probe is None or levels.encoded is None:
            raise ValueError("the view holds nothing for a probe")
        is_even = session.is_sparse or bool(session.things)  # strokes do not say how common a class is
        commonness = 0.0 if is_even else COMMONNESS
        places = some_of_each(labels, limit, session.generator, commonness=commonness)
        rows, cols = places.unbind(1)
        chosen = labels[rows, cols].long().to(levels.fine.device)
        rows, cols = rows.to(levels.fine.device), cols.to(levels.fine.device)
        features = at_pixels(probe.maps_of(levels.encoded, levels.fine), rows, cols)
        answered = session.with_answers(levels, view.features.experts)
        maps = answered.votes, answered.decided
        found = [None if part is None else upsample_to(part.float(), levels.fine)[0] for part in maps]
        voted, decided = (None if part is None else part[:, rows, cols].T for part in found)
        if voted is None:
            voted = features.new_zeros(len(chosen), session.config.num_classes)
        if decided is None:
            decided = features.new_ones(len(chosen), 1)
        return _Sample(rows, cols, features, voted, decided, chosen)


def _joined(parts: list[_Sample]) -> _Sample:
    names = [each.name for each in fields(_Sample)]
    return _Sample(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def _loss(probe: Probe, sample: _Sample, picked: Tensor) -> Tensor:
    logits = probe.on_pixels(sample.features[picked]) * sample.decided[picked] + sample.votes[picked]
    return F.cross_entropy(logits, sample.labels[picked])


@torch.no_grad()
def _scale(layer: nn.Module, factor: float) -> None:
    for parameter in layer.parameters():
        parameter.mul_(factor)
