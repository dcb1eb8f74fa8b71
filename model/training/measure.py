"""Confusion of classes on the pixels that were held back, and what these pixels are."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from model.analysis.metrics import confusion_matrix
from model.training.session import TrainingSession
from model.training.types import IGNORED


@torch.no_grad()
def held_out_confusion(session: TrainingSession) -> NDArray[np.int64]:
    """Pixel counts [C, C] (`model.analysis.metrics.confusion_matrix`) on held-out pixels of the encoded images."""
    confusion = np.zeros((session.config.num_classes,) * 2, np.int64)
    for view in session.views[: session.encoded]:
        if bool((view.held != IGNORED).any()):
            guess = session.logits_of(view).argmax(0).to(torch.uint8).cpu()
            confusion += confusion_matrix(view.held.numpy(), guess.numpy(), session.config.num_classes)
    return totalled(session, confusion)


def totalled(session: TrainingSession, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts of any shape, added up over the processes that learn together."""
    total: NDArray[np.int64] = (
        session.processes.total(torch.from_numpy(counts), session.choice.device).cpu().numpy()
    )
    return total


def images_encoded(session: TrainingSession, count: int, *, is_held: bool) -> int:
    """Of how many of ``count`` images parts are encoded that have labels to learn from, or held-out ones."""
    found = np.zeros(count, np.int64)
    for picture in session.pictures[: session.encoded]:
        labels = picture.held if is_held else picture.train
        found[picture.sample] |= int((labels != IGNORED).any())
    return int((totalled(session, found) > 0).sum())
