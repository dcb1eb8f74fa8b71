"""What a user's own objects have taught about clicks, kept apart: it answers only clicks on what looks like them.

A second click decoder is a copy of the first that has learned further. A click belongs to it if what is there looks
like one of the objects that it was taught; every other click is answered as before, bit for bit.
"""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.click_cues import sample_points
from model.networks.click_decoder import ClickBase, ClickDecoder
from model.networks.encoding import Encoding, PromptTensors

NEVER: Final = 2.0
"""No similarity is as great."""


class TaughtClicks(nn.Module):
    """A taught click decoder, and what the objects look like that it was taught.

    Args:
        num_looks: looks that are known, N.
        decoder: arguments of the `ClickDecoder`.
        dim: channels of `ClickBase.top`, C.

    Attributes:
        decoder: as `ClickDecoder`; its own view of the image is not used.
        looks: unit vectors [N, C] of `look_at`, at the objects that it was taught.
        least: the cosine from which on a click is one on something like them, scalar.
    """

    def __init__(self, *, num_looks: int, decoder: dict[str, Any], dim: int) -> None:
        super().__init__()
        self.decoder = ClickDecoder(**decoder)
        self.decoder.bases = nn.ModuleList()
        self.looks: Tensor
        self.least: Tensor
        self.register_buffer("looks", torch.zeros(num_looks, dim))
        self.register_buffer("least", torch.tensor(NEVER))

    def is_known(self, encoding: Encoding, prompts: PromptTensors) -> Tensor:
        """Whether clicks are on something like what it was taught, bool [B].

        Where there are several positive clicks the most alike counts; the middle of a box counts as one.
        """
        places, is_positive = prompts.points, prompts.labels == 1
        if prompts.boxes is not None:
            corners = prompts.boxes.float().view(-1, 2, 2)  # [B, 2, 2]
            middle = corners.mean(1, keepdim=True)
            is_box = ~middle.isnan().any(-1)  # [B, 1]
            places = torch.cat((places.float(), middle.nan_to_num(0.0)), dim=1)
            is_positive = torch.cat((is_positive, is_box), dim=1)
        seen = look_at(encoding.base, places, encoding.padded)  # [B, P, C]
        alike = (seen @ self.looks.float().T).amax(-1)  # [B, P]
        best: Tensor = alike.masked_fill(~is_positive, -1.0).amax(1)
        return best >= self.least.float()


def look_at(base: ClickBase, xy: Tensor, padded: tuple[int, int]) -> Tensor:
    """What is at places, as unit vectors [B, P, C]: features at stride 32 know the kind, not the outline.

    Args:
        base: of the image.
        xy: in pixels, [B, P, 2].
        padded: height and width of the padded image.
    """
    return F.normalize(sample_points(base.top, xy, padded), dim=-1)


def decided(
    click: ClickDecoder,
    taught: TaughtClicks | None,
    encoding: Encoding,
    prompts: PromptTensors,
    evidence: tuple[Tensor, Tensor],
) -> tuple[Tensor, Tensor]:
    """Logits and scores of clicks, each from the decoder that it belongs to.

    Args:
        click: for everything that nobody has taught.
        taught: for the rest; None where nothing was taught.
        encoding: of the image.
        prompts: clicks and boxes in pixels of the image.
        evidence: cues and what the experts answered, as `ClickDecoder` takes them.
    """
    if taught is None:
        return _answer(click, encoding, evidence)
    is_known = taught.is_known(encoding, prompts)  # [B]
    if not bool(is_known.any()):
        return _answer(click, encoding, evidence)
    logits, score = _answer(taught.decoder, encoding, evidence)
    if bool(is_known.all()):
        return logits, score
    others = _answer(click, encoding, evidence)
    return torch.where(is_known[:, None, None, None], logits, others[0]), torch.where(
        is_known, score, others[1]
    )


def _answer(decoder: nn.Module, encoding: Encoding, evidence: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    answer: tuple[Tensor, Tensor] = decoder(encoding.base, *evidence)
    return answer
