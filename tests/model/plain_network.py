"""A network without learning whose right answers are known: classes by red, objects by colour."""

from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from model.networks.network import ClassOutput, ObjectOutput


@dataclass
class PlainEncoding:
    tokens: Tensor
    size: tuple[int, int]

    def to(self, device):
        return PlainEncoding(self.tokens.to(device), self.size)


class PlainNetwork(nn.Module):
    """Class 1 where red exceeds a half; an object is what has the colour of its first positive click.

    Args:
        shortages: how many of the first encodings run out of memory.
        error: what a shortage raises.
    """

    stride = 1
    config = SimpleNamespace(num_classes=2, num_experts=3)

    def __init__(self, shortages=0, error=None):
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.log = []
        self.shortages = shortages
        self.error = error or torch.OutOfMemoryError("CUDA out of memory")

    def __deepcopy__(self, memo):
        return self  # so that tests see what the private copy did

    def encode(self, image):
        self.log.append(tuple(image.shape[-2:]))
        if self.shortages > 0:
            self.shortages -= 1
            raise self.error
        return PlainEncoding(image, tuple(image.shape[-2:]))

    def classify(self, encoding, *, expert_gains=None, need_attention=False):
        red = (encoding.tokens[:, :1] - 0.5) * 20
        if expert_gains is not None:
            red = red * expert_gains.mean()
        return ClassOutput(torch.cat((-red, red), 1), None)

    def segment(self, encoding, prompts, *, previous=None, need_attention=False):
        image = encoding.tokens[0]
        positive = prompts.points[0][prompts.labels[0] == 1]
        if len(positive) == 0:
            return ObjectOutput(torch.full_like(encoding.tokens[:, :1], -5), torch.zeros(1), None)
        col, row = positive[0].long().tolist()
        colour = image[:, min(row, image.shape[1] - 1), min(col, image.shape[2] - 1)]
        distance = (image - colour[:, None, None]).abs().amax(0)
        return ObjectOutput(((0.1 - distance) * 50)[None, None], torch.tensor([0.9]), None)
