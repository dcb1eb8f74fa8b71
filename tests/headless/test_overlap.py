"""What is read ahead of the model, and what is measured."""

from __future__ import annotations

import numpy as np
import pytest

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.headless.prediction.evaluate import refuse_unknown_classes
from latentseg_gui.headless.prediction.overlap import LARGE, Overlapped


def read_by_then(weight: int) -> list[int]:
    """How many items were read, or begun to be, when the model came to each of five."""
    begun: list[int] = []
    seen: list[int] = []

    def read(item: int) -> int:
        begun.append(item)
        return item

    def work(item: int, source: int) -> int:
        seen.append(len(begun))
        return source

    steps = Overlapped(read, work, lambda item, answer: answer, threads=2, weight=lambda source: weight)
    assert [outcome.written for outcome in steps.run(range(5))] == list(range(5))
    return seen


def test_large_images_are_read_one_at_a_time() -> None:
    assert read_by_then(LARGE + 1) == [1, 2, 3, 4, 5]


def test_a_class_just_after_those_that_the_weights_know_is_refused() -> None:
    classes = ClassTable.from_names(("background", "leaf", "stem"))
    known = np.array([[0, 1, 255]], np.uint8)
    refuse_unknown_classes(known, classes, 2, "a.png")
    with pytest.raises(LatentsegError, match="“stem”"):
        refuse_unknown_classes(np.array([[0, 2]], np.uint8), classes, 2, "a.png")
