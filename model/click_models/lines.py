"""Lines for click models of others: a stroke as clicks along it, a loop as the box round it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.click_models.click_model import Answer, ClickModel
from model.click_models.frame import to_image
from model.prediction.inputs import check_mask_input
from model.prediction.lines import Line, followed, told


def answers_to_line(
    model: ClickModel,
    line: Line,
    point_coords: ArrayLike | None = None,
    point_labels: ArrayLike | None = None,
    box: ArrayLike | None = None,
    mask_input: ArrayLike | None = None,
    *,
    most: int | None = None,
) -> list[Answer]:
    """What a line may mean, the most likely first; arguments as of `model.prediction.line_answers.line_stages`.

    A further loop is asked about by itself, and a negative one takes away what it encloses.

    Raises:
        ModelError: it makes no sense; the model takes no boxes, or did not work.
    """
    shape = model.encoding.frame.shape
    before = _mask_of(model, mask_input)
    if line.is_loop:
        found = _within(model, line, most)
    else:
        clicks = line.clicks().clip(0, (shape[1], shape[0]))
        earlier = (
            np.zeros((0, 2), np.float32) if point_coords is None else np.asarray(point_coords, np.float32)
        )
        known = np.zeros(0) if point_labels is None else np.asarray(point_labels)
        labels = np.append(known, np.full(len(clicks), int(line.is_positive)))
        found = model.predict_candidates(
            np.concatenate((earlier, clicks)), labels, box, mask_input, most=most
        )
    answers = []
    for mask, score, logits in found:
        done = followed(line, mask, before)
        answers.append((done, score, told(logits, done) if logits.shape == shape else _whole(done)))
    return answers


def _within(model: ClickModel, line: Line, most: int | None) -> list[Answer]:
    """What a loop encloses; of a negative one nothing needs to be known."""
    shape = model.encoding.frame.shape
    if not line.is_positive:
        return [(np.zeros(shape, np.bool_), 1.0, _whole(np.zeros(shape, np.bool_)))]
    x0, y0, x1, y1 = line.box()
    box = max(0.0, x0), max(0.0, y0), min(float(shape[1]), x1), min(float(shape[0]), y1)
    return model.predict_candidates(box=box, most=most)


def _mask_of(model: ClickModel, mask_input: ArrayLike | None) -> NDArray[np.bool_] | None:
    """The object that an earlier answer of the model stands for, or that was taken up; None for none."""
    logits = check_mask_input(mask_input)
    if logits is None:
        return None
    frame = model.encoding.frame
    mask = (logits if logits.shape == frame.shape else to_image(frame, logits, is_padded=True)) > 0
    return mask if mask.any() else None


def _whole(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Logits of a mask of the image, which the model takes in its own size when they come back."""
    made = check_mask_input(mask)
    assert made is not None
    return made
