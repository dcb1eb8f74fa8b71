"""What the learned mix of experts is worth: the same image with it and with an even one, counted on labelled pixels."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import nn

from model.errors import ModelError
from model.prediction.predictor import Predictor

Network = TypeVar("Network", bound=nn.Module)


@runtime_checkable
class Mixing(Protocol):
    """A module by which places choose among experts."""

    def forget_choice(self) -> None:
        """From now on every place asks all experts alike."""


def with_even_mix(network: Network) -> Network:
    """A copy that reads classes from an even mix; it looks at images just as ``network`` does.

    Raises:
        ModelError: the network has no experts to mix.
    """
    made = copy.deepcopy(network)
    mixing = [module for module in made.modules() if isinstance(module, Mixing)]
    if not mixing:
        raise ModelError(
            "This network has no experts to mix.", action="Use the latent-expert network for that."
        )
    for module in mixing:
        module.forget_choice()
    return made


Labels = NDArray[np.uint8]
Counts = NDArray[np.int64]

UNLABELLED = 255


@dataclass(frozen=True, slots=True)
class MixCounts:
    """Labelled pixels by what a person said (rows) and by what was predicted (columns), int64 [N, C].

    Attributes:
        learned: with the mix as the weights have learned it.
        even: with an even one.
    """

    learned: Counts
    even: Counts


class EvenMix:
    """Predicts with the learned mix and with an even one; an image is encoded once for both.

    Args:
        predictor: of the weights; it stays as it is.

    Raises:
        ModelError: the network has no experts.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._learned = predictor
        choice = predictor.device
        self._even = Predictor(
            with_even_mix(predictor.network),
            str(choice.device),
            dtype=choice.dtype,
            max_pixels=predictor.max_pixels,
        )

    def count(self, labels: Labels, num_labels: int) -> MixCounts:
        """On the predictor's present image, at the size at which it is encoded.

        Args:
            labels: what was labelled, uint8 [H, W] below ``num_labels``; 255 where nothing was.
            num_labels: N, which need not be the number of classes of the weights.
        """
        image = self._learned.encoding
        self._even.encoding = self._even.take_over(image)
        truth = _at_size(labels, image.size)
        learned, even = (
            _counts(truth, predictor.predict_overview().argmax(0), (num_labels, predictor.num_classes))
            for predictor in (self._learned, self._even)
        )
        return MixCounts(learned, even)


def _at_size(labels: Labels, size: tuple[int, int]) -> Labels:
    """Labels of the pixels in the middle of larger ones."""
    rows, cols = (
        ((np.arange(count) + 0.5) * (side / count)).astype(np.intp)
        for count, side in zip(size, labels.shape, strict=True)
    )
    small: Labels = labels[rows][:, cols]
    return small


def _counts(truth: Labels, predicted: NDArray[np.intp], shape: tuple[int, int]) -> Counts:
    """Pixels by truth and prediction, [N, C]; what is not labelled is left out."""
    is_known = truth < shape[0]
    pairs = truth[is_known].astype(np.int64) * shape[1] + predicted[is_known]
    return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)
