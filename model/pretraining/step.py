"""One training step: encode once, click several times, learn from the first and the last answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import LiteBackbone, Pyramid, upsample_to
from model.networks.deciding import CosineMix, balance_loss, similarity_loss
from model.networks.network import Encoding, LatentExpertNetwork, PromptTensors
from model.pretraining.crops import MOST_REGIONS, Batch
from model.training.augment import augment_light
from model.training.losses import IGNORED, answer_loss, class_loss
from model.training.simulated_clicks import add_click, add_pair, first_prompts, spoiled

_CLASS_WEIGHT = 0.4
_SEMANTIC_WEIGHT = 0.3
_BALANCE_WEIGHT = 0.01
_SIMILARITY_WEIGHT = 0.02
_DECISION_WEIGHT = 0.05
_TERRITORY_WEIGHT = 0.5
_REGIONS_WEIGHT = 0.5
_GIVEN_SHARE = 0.25  # of the crops begin with a mask of another origin
_GIVEN_LOGIT = 6.0
CLASS_PARTS: Final = ("class_head.",)
"""Names of what says foreground or background once experts have been asked begin with one of these."""


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
        dims = [network.config.feature_dim]
        if network.classifiers is not None:
            dims = [network.answer_dim, *network.config.path_widths]
        self.semantic = nn.ModuleList(nn.Conv2d(dim, self.num_labels, 1) for dim in dims)
        outside = torch.zeros(len(slices), self.num_labels)
        for row, bounds in zip(outside, slices, strict=True):
            if bounds:
                row.fill_(-1e4)
                row[bounds[0] : bounds[0] + bounds[1]] = 0.0
        self.outside: Tensor
        self.register_buffer("outside", outside, persistent=False)

    def freeze_encoder(self, is_frozen: bool) -> None:
        """Whether a pretrained encoder stays as it is: then no gradient is computed through it."""
        if isinstance(self.network.backbone, LiteBackbone):
            self.network.backbone.encoder.requires_grad_(not is_frozen)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step gives: the loss to go down, and figures for the log."""

    loss: Tensor
    figures: dict[str, Tensor]


def images_of(batch: Batch, device: torch.device) -> Tensor:
    """The crops in 0..1, float32 [B, 3, H, W]."""
    return torch.from_numpy(batch.images).to(device).permute(0, 3, 1, 2).float() / 255  # [B, 3, H, W]


def _classes_loss(trainee: Trainee, encoding: Encoding, pyramid: Pyramid, batch: Batch) -> Tensor:
    network, device = trainee.network, encoding.tokens.device
    told, answers = _foreground_loss(network, encoding, batch)
    loss = _CLASS_WEIGHT * told
    semantic = torch.from_numpy(batch.semantic[:, 4::8, 4::8]).to(device).long()
    levels = [encoding.tokens]
    if network.classifiers is not None:
        loss = loss + _experts_loss(network, encoding)
        experts, mix = network.ask(encoding.tokens, encoding.experts)
        size = (answers.shape[-2], answers.shape[-1])
        coarse = (
            network.classifiers.gated(level, features, experts, mix, size)
            for level, features in enumerate((pyramid.mid, pyramid.deep))
        )
        levels = [answers, *coarse]
    if not bool((semantic != IGNORED).any()):
        return loss
    logits = _at_stride_8(trainee.semantic, levels)
    logits = logits + trainee.outside[torch.from_numpy(batch.sources).to(device)][..., None, None]
    return loss + _SEMANTIC_WEIGHT * class_loss(logits, semantic)


def _foreground_loss(network: LatentExpertNetwork, encoding: Encoding, batch: Batch) -> tuple[Tensor, Tensor]:
    """Loss of foreground and background, and what the experts answered, [B, D, h, w]."""
    answers, _ = network.read_experts(encoding.tokens, encoding.experts)
    logits = network.class_head(answers, encoding.detail)
    return class_loss(logits, torch.from_numpy(batch.foreground).to(logits.device).long()), answers


def _at_stride_8(heads: nn.ModuleList, levels: list[Tensor]) -> Tensor:
    """Sum of what each level says, from strides 4, 8 and 16."""
    logits = heads[0](F.avg_pool2d(levels[0], 2)).float()
    for head, level in zip(heads[1:], levels[1:], strict=False):
        logits = logits + upsample_to(head(level).float(), logits)
    total: Tensor = logits
    return total


def _experts_loss(network: LatentExpertNetwork, encoding: Encoding) -> Tensor:
    """Experts are to be asked equally often, few by each token, and not to be copies of each other."""
    territory = encoding.territory.float()
    mix = territory.flatten(2).transpose(1, 2)  # [B, N, K]
    loss = _BALANCE_WEIGHT * balance_loss(mix) + _DECISION_WEIGHT * _indecision(territory)
    if isinstance(network.mix, CosineMix):
        experts = network.exchange(encoding.experts)
        loss = loss + _SIMILARITY_WEIGHT * similarity_loss(network.mix.keys(experts))
    return loss


def _indecision(mix: Tensor) -> Tensor:
    """Entropy of a mix [B, K, h, w], mean, 0..1."""
    return -(mix * (mix + 1e-9).log()).sum(1).mean() / math.log(mix.shape[1])


def territory_loss(mix: Tensor, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """How far territories are from telling an object and the rest apart, and the soft IoU that they reach.

    Told is the object as a union of territories: the share of each that lies inside, laid over it.

    Args:
        mix: whom each token asks, sums to 1 over experts, [B, K, h, w].
        target: the object, 0/1, float, [B, 1, H, W] with h = H / 4 rounded up.
        valid: likewise, which pixels count.

    Returns:
        Two scalars; only the first has a gradient.
    """
    height, width = mix.shape[-2] * 4, mix.shape[-1] * 4
    space = (0, width - target.shape[-1], 0, height - target.shape[-2])
    inside, known = (F.avg_pool2d(F.pad(each, space), 4) for each in (target * valid, valid))  # [B, 1, h, w]
    shares = (mix * inside).sum((2, 3)) / (mix * known).sum((2, 3)).clamp(min=1e-6)  # [B, K]
    told = (mix * shares[..., None, None]).sum(1, keepdim=True)  # [B, 1, h, w]
    true, counts = inside / known.clamp(min=1e-6), (known > 0).float()
    with torch.autocast(mix.device.type, enabled=False):
        entropy = F.binary_cross_entropy(told.float().clamp(1e-4, 1 - 1e-4), true.float(), counts)
    both = (told * true * counts).sum((1, 2, 3))  # [B]
    either = ((told + true - told * true) * counts).sum((1, 2, 3))
    overlap = both / either.clamp(min=1e-6)  # [B]
    return entropy + 1 - overlap.mean(), overlap.mean().detach()


def regions_loss(mix: Tensor, regions: Tensor) -> Tensor:
    """How far territories are from telling all regions of a crop apart.

    What an expert stands for is the share of each region in its territory; a token is then of the regions that
    the experts it asks stand for. The loss is the cross-entropy of that with the region it is of, each region
    counting with the root of its area.

    Args:
        mix: whom each token asks, sums to 1 over experts, [B, K, h, w].
        regions: numbers from 0 to `MOST_REGIONS`, 255 not known, int64, [B, H, W] with h = H / 4 rounded up.

    Returns:
        A scalar, 0 where no region is known.
    """
    labels = regions[:, 2::4, 2::4][:, : mix.shape[-2], : mix.shape[-1]]  # [B, h', w']
    asked = mix[..., : labels.shape[-2], : labels.shape[-1]].float().flatten(2)  # [B, K, N]
    labels = labels.flatten(1)  # [B, N]
    known = labels != IGNORED
    member = F.one_hot(labels.masked_fill(~known, 0), MOST_REGIONS + 1).float()  # [B, N, R]
    member = member * known[..., None]
    with torch.autocast(mix.device.type, enabled=False):
        shares = asked @ member  # [B, K, R]
        shares = shares / shares.sum(2, keepdim=True).clamp(min=1e-6)
        told = ((asked.transpose(1, 2) @ shares) * member).sum(2)  # [B, N]
        worth = (member * member.sum(1, keepdim=True).clamp(min=1).rsqrt()).sum(2)  # [B, N]
        surprise: Tensor = -(told.clamp(min=1e-4).log() * worth).sum() / worth.sum().clamp(min=1e-6)
    return surprise


def _begun_elsewhere(
    previous: Tensor, prompts: PromptTensors, target: Tensor, valid: Tensor, generator: torch.Generator
) -> tuple[Tensor, PromptTensors]:
    """Some go on from a mask that was not the network's own, and without the clicks so far."""
    chosen = (torch.rand(len(target), generator=generator) < _GIVEN_SHARE).to(target.device)
    given = torch.where(spoiled(target * valid, generator), _GIVEN_LOGIT, -_GIVEN_LOGIT)
    previous = torch.where(chosen[:, None, None, None], given, previous)
    labels = prompts.labels.masked_fill(chosen[:, None], -1)
    boxes = None if prompts.boxes is None else prompts.boxes.masked_fill(chosen[:, None], float("nan"))
    return previous, PromptTensors(prompts.points, labels, boxes)


def classes_step(network: LatentExpertNetwork, batch: Batch, generator: torch.Generator) -> StepResult:
    """Loss of foreground and background alone; nothing that was looked at is learned anew.

    Args:
        network: of which `CLASS_PARTS` learn.
        batch: crops.
        generator: on the CPU.
    """
    images = images_of(batch, network.experts.device)
    with torch.no_grad():
        encoding = network.encode(augment_light(images, generator))
    loss, _ = _foreground_loss(network, encoding, batch)
    return StepResult(loss, {"class": loss.detach()})


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
    images = images_of(batch, device)
    objects = torch.from_numpy(batch.objects).to(device).unsqueeze(1)
    target, valid = (objects == 1).float(), (objects != IGNORED).float()
    encoding, pyramid = network.encode_fully(augment_light(images, generator))
    loss = _classes_loss(trainee, encoding, pyramid, batch)
    figures: dict[str, Tensor] = {"class": loss.detach()}
    if network.classifiers is not None:
        territory, figures["territory"] = territory_loss(encoding.territory.float(), target, valid)
        figures["indecision"] = _indecision(encoding.territory.detach().float())
        regions = regions_loss(encoding.territory, torch.from_numpy(batch.regions).to(device).long())
        figures["regions"] = regions.detach()
        loss = loss + _TERRITORY_WEIGHT * territory + _REGIONS_WEIGHT * regions
    prompts = first_prompts(target, valid, generator)
    output = network.segment(encoding, prompts)
    first_loss, first_iou = answer_loss(output.logits, output.score, target, valid)
    previous, prompts = _begun_elsewhere(output.logits.detach(), prompts, target, valid, generator)
    frozen = encoding.detach()
    for _ in range(silent_rounds):
        prompts = add_pair(prompts, previous, target, valid, generator)
        with torch.no_grad():
            previous = network.segment(frozen, prompts, previous=previous).logits
    prompts = add_click(prompts, previous, target, valid, generator)
    output = network.segment(encoding, prompts, previous=previous)
    last_loss, last_iou = answer_loss(output.logits, output.score, target, valid)
    figures |= {"first": first_loss.detach(), "last": last_loss.detach()}
    figures |= {"iou_first": first_iou, "iou_last": last_iou}
    return StepResult(loss + first_loss + last_loss, figures)
