"""The head learns on features that are kept: the probe by itself, then the context path; each counts as it serves.

What is known of any object is silent meanwhile, and joins them afterwards: it has nothing to learn from a few pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch

from model.networks.detail_network import DetailNetwork, hear_known_objects
from model.networks.known_objects import SHARE
from model.training.crops import learn_crops
from model.training.prepare import encode_variations
from model.training.probing import Probing
from model.training.reserve import Reserve
from model.training.session import TrainingSession

PROBE_SHARE: Final = 0.2
"""Of the time for the head, that of the probe."""
PROBE_SECONDS: Final = 10.0
"""At most: a probe has learned by then what single pixels tell."""
TRIAL: Final = 0.4
"""Of the time for the head, that in which some labels are left out."""
FOLD_SECONDS: Final = 6.0
"""Runs shorter than that leave out nothing; probe and context path count as much as usual then."""


class HeadLearning:
    """Teaches the head of a session's network.

    Args:
        session: whose pictures are encoded by the time that `learn` begins.
    """

    def __init__(self, session: TrainingSession) -> None:
        self._session = session
        self._probing, self._reserve = Probing(session), Reserve(session)

    def learn(self, *, variations: float, end: float) -> Iterator[str]:
        """Teach probe and context path apart; by what was left out meanwhile is chosen what each counts.

        Args:
            variations: share of the clock, 0..1, until which variations of the pictures are encoded.
            end: the same for the end.
        """
        session = self._session
        self._silence_known_objects()
        if session.clock.seconds >= FOLD_SECONDS and session.processes.size == 1:  # processes go in step
            self._reserve.leave_out()
        if session.config.augmentation > 0:
            yield from encode_variations(session, variations)
        session.processes.agree(session.clock, session.choice.device)
        start = session.clock.fraction
        if self._reserve.is_out:
            yield from self._learn_apart(start + TRIAL * (end - start))
            self._probing.weigh()
            self._reserve.take_in()
            yield from self._learn_apart(end)
        else:
            yield from self._learn_apart(end)
            self._probing.weigh()

    def join(self) -> None:
        """Make one head of what learned apart, with all labels; nothing where that was done."""
        self._reserve.take_in()
        self._probing.join()
        self._hear_known_objects()

    @torch.no_grad()
    def _hear_known_objects(self) -> None:
        """Make the mean with what is known of any object the answer; nothing where that was done, or nobody asked."""
        session, network = self._session, self._session.network
        if session.object_class is None or not session.hears_objects or network.detail_config.known_objects:
            return
        _speak(network, 1 - SHARE)
        hear_known_objects(network, session.object_class)

    @torch.no_grad()
    def _silence_known_objects(self) -> None:
        """Make what was learned the answer, as loud as before that mean, to go on from it."""
        network = self._session.network
        if network.detail_config.known_objects:
            _speak(network, 1 / (1 - SHARE))
            hear_known_objects(network, None)

    def _learn_apart(self, end: float) -> Iterator[str]:
        session = self._session
        session.processes.agree(session.clock, session.choice.device)
        start = session.clock.fraction
        share = min(PROBE_SHARE * max(0.0, end - start), PROBE_SECONDS / session.clock.seconds)
        yield from self._probing.learn(start + share)
        self._probing.set_aside()
        yield from learn_crops(session, end)


def _speak(network: DetailNetwork, factor: float) -> None:
    """Let what was learned of classes say the same more or less loudly, in place."""
    layers = (network.class_head.pixels, network.head.context.last, *filter(None, (network.votes,)))
    for parameter in (parameter for layer in layers for parameter in layer.parameters()):
        parameter.mul_(factor)
    if network.probe is not None:
        network.probe.scale(factor)
