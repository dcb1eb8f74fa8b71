"""What a network can do, as types: prediction, training and the window ask for these and not for classes.

Every network is a `Segmenter`. What else it can do is told by the other protocols, and `capabilities` says it in
names that can cross into another process; panels show what these names allow. A network needs no base class for
any of them: it is enough to have the methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn

from model.networks.encoding import ClassOutput, Encoding, ObjectOutput, PromptTensors

CLICKS: Final = "clicks"
EXPERTS: Final = "experts"
ROWS: Final = "rows"
GATES: Final = "gates"
ROLLOUT: Final = "rollout"
LIVE: Final = "live"
"""What a network can do besides predicting classes: answer clicks; show experts; show what a place attends to, its
gates, or attention through all layers; and learn while masks are corrected."""


class SizedEncoding(Protocol):
    """What every network's encoding offers."""

    @property
    def tokens(self) -> Tensor:
        """[B, D, h, w]."""

    @property
    def experts(self) -> Tensor:
        """The learned experts after looking at this picture, [B, K, D]."""

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of the encoded picture."""

    def to(self, device: torch.device | str) -> Any:
        """The same on ``device``."""


@runtime_checkable
class Segmenter(Protocol):
    """A network that knows classes: it encodes an image once and answers with logits."""

    @property
    def config(self) -> Any:
        """Sizes, among them ``num_classes`` and ``num_experts``."""

    @property
    def stride(self) -> int:
        """Pixels per token along one side."""

    def encode(self, image: Tensor) -> SizedEncoding:
        """Image [B, 3, H, W] in 0..1, any size from 1x1 -> what is kept of it."""

    def classify(
        self, encoding: Any, *, expert_gains: Tensor | None = None, need_attention: bool = False
    ) -> ClassOutput:
        """Class logits [B, C, H, W] and, if asked for, the maps."""


@runtime_checkable
class Teachable(Segmenter, Protocol):
    """A network that can be given other classes, and so be fine-tuned."""

    def with_classes(self, kept: Sequence[int | None]) -> Self:
        """Copy with other classes: entry i names the old class that new class i keeps, None for a new one."""


@runtime_checkable
class Inspectable(Segmenter, Protocol):
    """A network with experts that can be looked into and knocked out."""

    def expert_vectors(self, encoding: Any) -> Tensor:
        """What pixels read of the experts, [B, K, D]."""


@runtime_checkable
class Clickable(Segmenter, Protocol):
    """A network that answers clicks with an object."""

    def segment(
        self,
        encoding: Any,
        prompts: PromptTensors,
        *,
        previous: Tensor | None = None,
        need_attention: bool = False,
    ) -> ObjectOutput:
        """Mask of the object that the prompts point at."""


@runtime_checkable
class Refittable(Teachable, Protocol):
    """A network whose features can be kept while what reads them learns, after every correction."""

    def encode_fully(self, image: Tensor) -> tuple[Encoding, Any]:
        """As `encode`, with the features that the encoding was made of."""


@runtime_checkable
class Attending(Segmenter, Protocol):
    """A network whose own attention can be looked at."""

    @property
    def shows(self) -> frozenset[str]:
        """What of it: names out of `ROWS`, `GATES`, `ROLLOUT`."""


@runtime_checkable
class ClassEncoder(Segmenter, Protocol):
    """A network that encodes in less time where only classes are wanted."""

    def encode_for_classes(self, image: Tensor) -> SizedEncoding:
        """As `encode`, for `classify` alone."""


@runtime_checkable
class ObjectFinder(Segmenter, Protocol):
    """A network that finds objects by itself, one by one."""

    @property
    def things(self) -> frozenset[int]:
        """Classes whose objects it tells apart; none where it has not learned any."""

    def numbers(self, encoding: Any) -> tuple[Tensor, Tensor]:
        """Numbers of the objects int32 [H, W], 0 for none; the class of each number, int64, from number 0 on."""


PROTOCOLS: Final[dict[str, type]] = {CLICKS: Clickable, EXPERTS: Inspectable, LIVE: Refittable}
"""The protocol that stands for a capability."""


def capabilities(network: nn.Module) -> frozenset[str]:
    """What ``network`` can do besides predicting classes: names out of those above."""
    known = {name for name, protocol in PROTOCOLS.items() if isinstance(network, protocol)}
    return frozenset(known | (network.shows if isinstance(network, Attending) else frozenset()))
