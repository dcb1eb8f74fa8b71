"""One training step: encode once, click several times, learn from the first and the last answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.augment import augment_light
from model.losses import IGNORED, class_loss, object_loss
from model.network import Encoding, LatentExpertNetwork, ObjectOutput
from model.pretraining.clicks import add_click, add_pair, first_prompts
from model.pretraining.crops import Batch

_CLASS_WEIGHT = 0.4
_SEMANTIC_WEIGHT = 0.3
_SCORE_WEIGHT = 0.3


class Trainee(nn.Module):
    """The network and a head that only pre-training needs: the classes of all sets, numbered through.

    Args:
        network: what is shipped in the end.
        slices: first label and number of classes per set (in the order of the cache), None for sets without.
    """

    def __init__(self, network: LatentExpertNetwork, slices: list[tuple[int, int] | None]) -> None:
        super().__init__()
        self.network = network
        self.num_labels = max([1, *(s[0] + s[1] for s in slices if s)])
        self.semantic = nn.Conv2d(network.config.feature_dim, self.num_labels, 1)
        outside = torch.zeros(len(slices), self.num_labels)
        for row, bounds in zip(outside, slices, strict=True):
            if bounds:
                row.fill_(-1e4)
                row[bounds[0] : bounds[0] + bounds[1]] = 0.0
        self.outside: Tensor
        self.register_buffer("outside", outside, persistent=False)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step gives: the loss to go down, and figures for the log."""

    loss: Tensor
    figures: dict[str, Tensor]


def _iou(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    taken = (logits > 0).float() * valid
    target = target * valid
    both = (taken * target).sum((1, 2, 3))
    return both / (taken.sum((1, 2, 3)) + target.sum((1, 2, 3)) - both).clamp(min=1)


def _answer_loss(output: ObjectOutput, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    iou = _iou(output.logits.detach(), target, valid)
    score = F.mse_loss(output.score, iou)
    return object_loss(output.logits.float(), target, valid).mean() + _SCORE_WEIGHT * score, iou.mean()


def _classes_loss(trainee: Trainee, encoding: Encoding, batch: Batch) -> Tensor:
    device = encoding.tokens.device
    foreground = torch.from_numpy(batch.foreground).to(device).long()
    loss = _CLASS_WEIGHT * class_loss(trainee.network.classify(encoding).logits, foreground)
    semantic = torch.from_numpy(batch.semantic[:, 4::8, 4::8]).to(device).long()
    if not bool((semantic != IGNORED).any()):
        return loss
    logits = trainee.semantic(F.avg_pool2d(encoding.tokens, 2)).float()
    logits = logits + trainee.outside[torch.from_numpy(batch.sources).to(device)][..., None, None]
    return loss + _SEMANTIC_WEIGHT * class_loss(logits, semantic)


def train_step(
    trainee: Trainee, batch: Batch, generator: torch.Generator, *, silent_rounds: int
) -> StepResult:
    """Losses of one batch.

    Args:
        trainee: in training mode, on the device of choice.
        batch: crops.
        generator: on the CPU.
        silent_rounds: clicks between the first and the last that only set the scene (no gradient).
    """
    network = trainee.network
    device = network.experts.device
    images = torch.from_numpy(batch.images).to(device).permute(0, 3, 1, 2).float() / 255
    objects = torch.from_numpy(batch.objects).to(device).unsqueeze(1)
    target, valid = (objects == 1).float(), (objects != IGNORED).float()
    encoding = network.encode(augment_light(images, generator))
    loss = _classes_loss(trainee, encoding, batch)
    prompts = first_prompts(target, valid, generator)
    output = network.segment(encoding, prompts)
    first_loss, first_iou = _answer_loss(output, target, valid)
    previous = output.logits.detach()
    frozen = encoding.detach()
    for _ in range(silent_rounds):
        prompts = add_pair(prompts, previous, target, valid, generator)
        with torch.no_grad():
            previous = network.segment(frozen, prompts, previous=previous).logits
    prompts = add_click(prompts, previous, target, valid, generator)
    output = network.segment(encoding, prompts, previous=previous)
    last_loss, last_iou = _answer_loss(output, target, valid)
    figures = {"class": loss.detach(), "first": first_loss.detach(), "last": last_loss.detach()}
    figures |= {"iou_first": first_iou, "iou_last": last_iou}
    return StepResult(loss + first_loss + last_loss, figures)
