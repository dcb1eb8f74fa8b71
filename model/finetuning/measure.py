"""Mean IoU on the pixels that were held back."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.finetuning.session import Session
from model.finetuning.types import IGNORED
from model.metrics import confusion_matrix


@torch.no_grad()
def held_out_metric(session: Session) -> float:
    """Mean IoU over the classes among the held-out pixels; NaN if there are none."""
    confusion = np.zeros((session.config.num_classes,) * 2, np.int64)
    for view in session.views[: session.encoded]:
        if bool((view.held != IGNORED).any()):
            guess = session.logits_of(view).argmax(0).to(torch.uint8).cpu()
            confusion += confusion_matrix(view.held.numpy(), guess.numpy(), session.config.num_classes)
    return mean_iou(session.team.total(torch.from_numpy(confusion), session.choice.device))


def mean_iou(confusion: Tensor) -> float:
    """Mean over the classes in the truth; NaN if there are none."""
    hits = confusion.diagonal().float()
    union = confusion.sum(0) + confusion.sum(1) - hits
    present = confusion.sum(1) > 0
    return float((hits / union.clamp(min=1))[present].mean()) if bool(present.any()) else float("nan")
