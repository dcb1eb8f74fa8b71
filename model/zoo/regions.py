"""What finds objects on a pyramid of features: proposals, what is in them, and its mask.

Region proposals: Ren, He, Girshick and Sun, "Faster R-CNN", NeurIPS 2015, arXiv:1506.01497; on a pyramid, one size
of anchors per level: Lin and others, arXiv:1612.03144. Box and mask branch: He and others, "Mask R-CNN", ICCV 2017,
arXiv:1703.06870. What differs: offsets of boxes do not depend on the class, so that classes can be exchanged, and
the widths are those that a minute teaches.
Shapes: B images, N boxes, C classes, background (0) among them, D features, A anchors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.zoo.boxes import moved, without_doubles
from model.zoo.mask_rcnn import MaskRCNN
from model.zoo.roi_align import pyramid_align

RATIOS: Final = (0.5, 1.0, 2.0)
"""Height over width of the anchors."""

ANCHOR_STRIDES: Final = 4.0
"""Side of an anchor in strides of its level."""

BOX_CELLS: Final = 7
MASK_CELLS: Final = 14
OFFSET_SCALE: Final = (10.0, 10.0, 5.0, 5.0)
"""Offsets of the box branch are learned this much larger, so that they weigh as much as classes."""

PROPOSALS: Final = 600
TRAINING_PROPOSALS: Final = 150
PROPOSAL_OVERLAP: Final = 0.7
MOST_OVERLAP: Final = 0.5
MOST_OBJECTS: Final = 500
LEAST_SCORE: Final = 0.5
"""Below this nothing is taken for an object, where nothing was held back to learn a better one from."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The objects of an image, the one with the highest score first.

    Attributes:
        boxes: [N, 4] in pixels.
        scores: 0..1, [N].
        classes: int64 [N], each in 1..C-1.
        masks: probability of belonging to the object, on a grid over its box, [N, 28, 28].
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    masks: Tensor

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self.boxes.nbytes + self.scores.nbytes + self.classes.nbytes + self.masks.nbytes

    def to(self, device: torch.device | str) -> Detections:
        """The same on ``device``."""
        return Detections(
            self.boxes.to(device), self.scores.to(device), self.classes.to(device), self.masks.to(device)
        )

    def of_things(self, is_thing: Tensor) -> Detections:
        """Those of classes that are told apart; ``is_thing`` is [C]."""
        return self._those(is_thing.to(self.classes.device)[self.classes] > 0)

    def surer(self, least: float) -> Detections:
        """Those with at least this score."""
        return self._those(self.scores >= least)

    def _those(self, kept: Tensor) -> Detections:
        """Those that are kept, bool [N]."""
        return replace(
            self,
            boxes=self.boxes[kept],
            scores=self.scores[kept],
            classes=self.classes[kept],
            masks=self.masks[kept],
        )


def anchors_of(sizes: Sequence[tuple[int, int]], like: Tensor) -> list[Tensor]:
    """Anchors of levels at strides 4, 8, ..., float32 [h * w * 3, 4] each, place by place.

    Args:
        sizes: (h, w) of each level.
        like: on its device they are made.
    """
    made = []
    for number, (height, width) in enumerate(sizes):
        stride = 4 << number
        side = ANCHOR_STRIDES * stride
        half = torch.tensor([(side / r**0.5 / 2, side * r**0.5 / 2) for r in RATIOS])  # [3, 2]: x, y
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        centre = (torch.stack((x, y), dim=-1).view(-1, 1, 2) + 0.5) * stride  # [h * w, 1, 2]
        made.append(torch.cat((centre - half, centre + half), dim=-1).view(-1, 4).to(like.device))  # [A, 4]
    return made


class RegionProposals(nn.Module):
    """Where objects may be, whatever they are.

    Args:
        width: D of the levels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.objectness = nn.Conv2d(width, len(RATIOS), 1)
        self.offsets = nn.Conv2d(width, 4 * len(RATIOS), 1)
        for layer in (self.objectness, self.offsets):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, levels: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Per level logits of being an object [B, A] and offsets from its anchors [B, A, 4], float32."""
        answers = []
        for level in levels:
            x = F.relu(self.conv(level))
            logits = self.objectness(x).permute(0, 2, 3, 1).flatten(1)  # [B, h * w * 3]
            offsets = self.offsets(x).permute(0, 2, 3, 1).reshape(len(x), -1, 4)  # [B, h * w * 3, 4]
            answers.append((logits.float(), offsets.float()))
        return answers


class BoxBranch(nn.Module):
    """What is in a box, and where it ends exactly.

    Args:
        width: D of the features.
        hidden: width of the two layers.
        num_classes: C.
    """

    def __init__(self, width: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(width * BOX_CELLS**2, hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.classes = nn.Linear(hidden, num_classes)
        self.offsets = nn.Linear(hidden, 4)
        nn.init.normal_(self.classes.weight, std=0.01)  # nothing is taken for an object before it was seen
        nn.init.normal_(self.offsets.weight, std=0.001)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [N, D, 7, 7] -> class logits [N, C] and offsets [N, 4], float32."""
        x = F.relu(self.fc7(F.relu(self.fc6(features.flatten(1)))))  # [N, hidden]
        return self.classes(x).float(), self.offsets(x).float()


class RegionBranch(nn.Module):
    """Proposals, box branch and mask branch on levels at strides 4, 8, 16, 32.

    Args:
        width: D of the levels.
        num_classes: C.
        box_width: of the box branch.
        mask_width: of the mask branch.
    """

    def __init__(self, width: int, num_classes: int, *, box_width: int, mask_width: int) -> None:
        super().__init__()
        self.proposals = RegionProposals(width)
        self.box = BoxBranch(width, box_width, num_classes)
        self.mask = MaskRCNN(None, num_classes, mask_width, roi_channels=width)

    def with_coarser(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """The levels and one more at stride 64, for objects that fill the picture."""
        return [*levels, F.max_pool2d(levels[-1], 1, 2)]

    def best_proposals(
        self,
        answers: Sequence[tuple[Tensor, Tensor]],
        anchors: Sequence[Tensor],
        size: tuple[int, int],
        most: int,
    ) -> list[Tensor]:
        """Per image the boxes that are most likely objects, [at most ``most``, 4].

        Args:
            answers: of `RegionProposals`.
            anchors: per level.
            size: (rows, columns) of the picture.
            most: boxes.
        """
        chosen = []
        for image in range(len(answers[0][0])):
            boxes, scores = [], []
            for (logits, offsets), anchor in zip(answers, anchors, strict=True):
                score, index = logits[image].topk(min(2 * most, len(anchor)))
                box = moved(anchor[index], offsets[image, index], size)
                kept = without_doubles(box, score, most_overlap=PROPOSAL_OVERLAP)
                boxes.append(box[kept])
                scores.append(score[kept])
            best = torch.cat(scores).topk(min(most, sum(map(len, scores)))).indices
            chosen.append(torch.cat(boxes)[best])
        return chosen

    def refined(self, boxes: Tensor, offsets: Tensor, size: tuple[int, int]) -> Tensor:
        """Boxes [N, 4] moved by what the box branch says, [N, 4]."""
        return moved(boxes, offsets / offsets.new_tensor(OFFSET_SCALE), size)

    @torch.no_grad()
    def detect(
        self, levels: Sequence[Tensor], size: tuple[int, int], least: float = LEAST_SCORE
    ) -> list[Detections]:
        """The objects of each image.

        Args:
            levels: [B, D, ...] at strides 4, 8, 16, 32.
            size: (rows, columns) of the picture.
            least: score of what is taken for an object, 0..1.
        """
        pyramid = self.with_coarser(levels)
        anchors = anchors_of([(x.shape[-2], x.shape[-1]) for x in pyramid], levels[0])
        proposals = self.best_proposals(self.proposals(pyramid), anchors, size, PROPOSALS)
        found = []
        for image, boxes in enumerate(proposals):
            own = [level[image : image + 1] for level in levels]
            logits, offsets = self.box(pyramid_align(own, [boxes], BOX_CELLS))
            found.append(self._objects(own, self.refined(boxes, offsets, size), logits, least))
        return found

    def _objects(self, levels: Sequence[Tensor], boxes: Tensor, logits: Tensor, least: float) -> Detections:
        """Detections out of refined boxes [N, 4] and class logits [N, C]."""
        scores, classes = logits.softmax(1)[:, 1:].max(1) if logits.shape[1] > 1 else _nothing(logits)
        sides = (boxes[:, 2:] - boxes[:, :2]).amin(1)
        is_good = ((scores >= least) & (sides >= 1)).nonzero().flatten()
        boxes, scores, classes = boxes[is_good], scores[is_good], classes[is_good] + 1
        kept = without_doubles(boxes, scores, most_overlap=MOST_OVERLAP, groups=classes)[:MOST_OBJECTS]
        boxes, scores, classes = boxes[kept], scores[kept], classes[kept]
        features = pyramid_align(levels, [boxes], MASK_CELLS)
        masks = self.mask.forward_mask(features, classes)[:, 0].float().sigmoid()  # [N, 28, 28]
        return Detections(boxes, scores, classes, masks)


def _nothing(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Scores and classes where there is only background."""
    return logits.new_zeros(len(logits)), torch.zeros(len(logits), dtype=torch.long, device=logits.device)
