"""Teaching a finished network other meanings of a click: the whole that a thing belongs to, and a part of it.

Everything else stays as it is. One click is put into an object; where the object turns out larger than what the
network answers first, the first candidate has to find it, where smaller, the second; the more so the worse the
first answer was. Both learn to say how right they are from all crops.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from model.networks.network import Encoding, LatentExpertNetwork, PromptTensors
from model.pretraining.crops import Batch
from model.pretraining.step import StepResult, images_of
from model.training.augment import augment_light
from model.training.losses import IGNORED, SCORE_WEIGHT, iou_of, object_loss
from model.training.simulated_clicks import next_click

WHOLE, PART = 1, 2
NUM_CANDIDATES: Final = 2
CANDIDATE_PARTS: Final = ("click.candidates.",)
"""Their names begin with this."""


def candidates_step(network: LatentExpertNetwork, batch: Batch, generator: torch.Generator) -> StepResult:
    """Losses of one batch.

    Args:
        network: with candidates.
        batch: crops.
        generator: on the CPU.
    """
    device = network.experts.device
    images = images_of(batch, device)
    objects = torch.from_numpy(batch.objects).to(device).unsqueeze(1)  # [B, 1, H, W]
    target, valid = (objects == 1).float(), (objects != IGNORED).float()
    inside = torch.cat((target * valid, torch.zeros_like(target)), 1) > 0  # [B, 2, H, W]
    prompts = PromptTensors(*next_click(inside, generator))
    with torch.no_grad():
        encoding = network.encode(augment_light(images, generator))
        first = network.segment(encoding, prompts).logits
    single = iou_of(first, target, valid)
    is_larger = (target * valid).sum((1, 2, 3)) > ((first > 0) * valid).sum((1, 2, 3))
    total, best = torch.zeros((), device=device), single
    figures = {"iou_first": single.mean()}
    for candidate, is_meant in ((WHOLE, is_larger), (PART, ~is_larger)):
        weights = is_meant * (1 - single)
        loss, iou = _twice(network, encoding, prompts, (target, valid, weights), candidate)
        total, best = total + loss, torch.maximum(best, iou)
        figures[("", "whole", "part")[candidate]] = (iou * is_meant).sum() / is_meant.sum().clamp(min=1)
    return StepResult(total, figures | {"best": best.mean()})


def _twice(
    network: LatentExpertNetwork,
    encoding: Encoding,
    prompts: PromptTensors,
    truth: tuple[Tensor, Tensor, Tensor],
    candidate: int,
) -> tuple[Tensor, Tensor]:
    """Loss of an answer and of the next that starts from it, as a zoom does; IoU [B] of the second."""
    target, valid, weights = truth
    total, previous = torch.zeros((), device=target.device), None
    for _ in range(2):
        output = network.segment(encoding, prompts, previous=previous, candidate=candidate)
        previous = output.logits.detach()
        iou = iou_of(previous, target, valid)
        missed = object_loss(output.logits.float(), target, valid)  # [B]
        total = total + (missed * weights).mean() + SCORE_WEIGHT * F.mse_loss(output.score, iou)
    return total, iou
