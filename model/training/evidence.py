"""How images may be varied is asked of the labelled pixels: a quick judge learns with and without each kind of change.

Street scenes do not lie on their side, and a grey level may mean something; cells lie anyhow, and stains differ.
Which of it holds follows from few images as well: every image in turn (of a single one, every quarter) is judged
from the others, once with them as they are and once with variations of them beside. The judge is ridge regression
on the features of the frozen encoder and on random combinations of them (Rahimi and Recht, "Weighted Sums of
Random Kitchen Sinks", 2008), which needs no steps: sums of squares are taken once per image, and leaving one out
is a subtraction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.training.pixels import some_of_each
from model.training.session import TrainingSession
from model.training.views import Features, LabelledWindow, features_of, vary

JUDGED: Final = 4
"""So many images are judged, at most: each costs a few encodings."""

SAMPLED: Final = 2400
"""Labelled pixels of an image that are looked at."""

AT_ONCE: Final = 1 << 14
"""Pixels that are told at once."""

COMBINED: Final = 256
"""Random combinations of features."""

RIDGES: Final = (0.1, 0.3, 1.0, 3.0)
"""Of what is divided by, as shares of the mean square of the features; the judge uses what serves it best."""

END: Final = 0.14
"""Share of the time by which it must be known; what is not known by then stays as it is."""

WEAK_LIGHT: Final = 0.2
"""The weaker of the two strengths of light and colour that are tried."""

TURNED, MIRRORED, STRONG, WEAK = "turned", "mirrored", "light", "weak light"
KINDS: Final = (MIRRORED, TURNED, STRONG, WEAK)
TRIALS: Final = {MIRRORED: 1, TURNED: 1, STRONG: 2, WEAK: 2}
"""Variations of every image; light differs more from one to the next than directions do."""

PATIENCE: Final = {MIRRORED: 0.05, TURNED: 0.02, STRONG: 0.1}
"""By what share of its loss the judge must be worse off with a kind of change before that is left out."""

TRIFLE: Final = 0.01
"""As much more loss is none, where 1 is that of who knows nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Of labelled pixels of one fold: features by features [D, D], and features by classes [D, C]."""

    squares: Tensor
    products: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Pixels:
    """Features [N, D], labels int64 [N] and folds int64 [N] of labelled pixels."""

    features: Tensor
    labels: Tensor
    folds: Tensor


class Judge:
    """Learns classes from pixels in closed form, and says how well without each fold.

    Args:
        session: whose pictures are encoded.
    """

    def __init__(self, session: TrainingSession) -> None:
        self._session = session
        count = min(JUDGED, session.encoded)
        self.pictures = [_in_folds(session.pictures[i], i, count) for i in range(count)]
        self._folds = count if count > 1 else 4
        plain = [self._sample(p, session.views[i].features) for i, p in enumerate(self.pictures)]
        self._plain = _joined(plain)
        raw = self._plain.features
        self._mean, self._scale = raw.mean(0), 1 / (raw.std(0, correction=0) + 1e-3)
        self._mixing = torch.randn(raw.shape[1], COMBINED, generator=session.generator) / math.sqrt(
            raw.shape[1]
        )
        self._known = replace(self._plain, features=self._lifted(raw))
        self._sums: dict[str, list[_Sums]] = {"": self._summed(self._known)}

    def learn(self, kind: str, varied: Sequence[tuple[LabelledWindow, Features]]) -> None:
        """Take in variations of all pictures, of one kind."""
        pixels = _joined([self._sample(picture, features) for picture, features in varied])
        self._sums[kind] = self._summed(replace(pixels, features=self._lifted(pixels.features)))

    def loss(self, *kinds: str) -> float:
        """Mean squared error on pixels as they are, each fold judged from the others and variations of these."""
        return min(self._loss(ridge, ("", *kinds)) for ridge in RIDGES)

    def told(self, index: int, step: int) -> NDArray[np.float32] | None:
        """What all other folds tell of a picture.

        Args:
            index: of the picture.
            step: every such row and column is told.

        Returns:
            Shares of the classes, about 0..1, float32 [C, h, w]; None where the others know nothing.
        """
        ridge = min(RIDGES, key=lambda each: self._loss(each, ("",)))
        folds = self.pictures[index].held[::step, ::step].long()  # [h, w]
        maps = self._session.views[index].features.levels.maps
        told = torch.zeros(self._session.config.num_classes, *folds.shape)
        for fold in torch.unique(folds).tolist():
            seen = self._readout(fold, ("",), ridge)
            if seen is None:
                return None
            rows, cols = (folds == fold).nonzero().unbind(1)
            parts = zip(rows.split(AT_ONCE), cols.split(AT_ONCE), strict=True)
            answers = [self._lifted(_at(maps, step * row, step * col)) @ seen for row, col in parts]
            told[:, rows, cols] = torch.cat(answers).T
        return np.asarray(told.numpy())

    def _loss(self, ridge: float, kinds: Sequence[str]) -> float:
        total, weight = 0.0, 0.0
        for fold in range(self._folds):
            here = self._known.folds == fold
            seen = self._readout(fold, kinds, ridge)
            if seen is None or not bool(here.any()):
                continue
            labels = self._known.labels[here]
            weights = self._session.objective.weights.cpu()[labels]
            truth = F.one_hot(labels, self._session.config.num_classes).float()
            errors = (self._known.features[here] @ seen - truth).square().sum(1)
            total, weight = total + float((errors * weights).sum()), weight + float(weights.sum())
        return total / weight if weight else math.nan

    def _readout(self, fold: int, kinds: Sequence[str], ridge: float) -> Tensor | None:
        """What reads classes from features [D, C], learned from all other folds; None where these know nothing."""
        parts = [sums for kind in kinds for index, sums in enumerate(self._sums[kind]) if index != fold]
        squares = torch.stack([sums.squares for sums in parts]).sum(0)
        products = torch.stack([sums.products for sums in parts]).sum(0)
        if not bool(products.any()):
            return None
        weight = ridge * squares.diagonal().mean().clamp(min=1e-6)
        solved: Tensor = torch.linalg.solve(squares + weight * torch.eye(len(squares)), products)
        return solved

    def _summed(self, pixels: _Pixels) -> list[_Sums]:
        classes = self._session.config.num_classes
        weights = self._session.objective.weights.cpu()[pixels.labels][:, None]
        truth = F.one_hot(pixels.labels, classes).float()
        sums = []
        for fold in range(self._folds):
            here = pixels.folds == fold
            weighted = (pixels.features[here] * weights[here]).T  # [D, N]
            sums.append(_Sums(weighted @ pixels.features[here], weighted @ truth[here]))
        return sums

    def _lifted(self, raw: Tensor) -> Tensor:
        """Standardised features, random combinations of them, and 1: [N, D]."""
        known = ((raw - self._mean) * self._scale).clamp(-5, 5)
        return torch.cat((known, F.relu(known @ self._mixing), torch.ones(len(raw), 1)), 1)

    def _sample(self, picture: LabelledWindow, features: Features) -> _Pixels:
        """Some labelled pixels of a picture, evenly over its classes."""
        places = some_of_each(picture.train, SAMPLED, self._session.generator)
        rows, cols = places.unbind(1)
        folds = picture.held[rows, cols].long()
        return _Pixels(_at(features.levels.maps, rows, cols), picture.train[rows, cols].long(), folds)


def _at(maps: Sequence[Tensor], rows: Tensor, cols: Tensor) -> Tensor:
    """Features of pixels, each as the place of a map has them that it lies in, float32 [N, D]."""
    height = maps[-1].shape[-2]
    columns = []
    for level in maps:
        stride = height // level.shape[-2]
        columns.append(level[0][:, rows // stride, cols // stride].T.float().cpu())  # [N, d]
    return torch.cat(columns, 1)


def choose_variation(session: TrainingSession) -> Iterator[str]:
    """Set what of a picture may be varied, from how well a judge does with it; needs encoded pictures."""
    if session.config.augmentation <= 0 or session.encoded == 0:
        return
    judge = Judge(session)
    for kind in KINDS:
        varied = []
        for picture in judge.pictures * TRIALS[kind]:
            if session.clock.fraction > END:
                return
            other = _varied(session, picture, kind)
            varied.append((other, features_of(session.network, other, session.choice.device, session.dtype)))
            yield "choosing variations"
        judge.learn(kind, varied)
        _conclude(session, judge, kind)


def _conclude(session: TrainingSession, judge: Judge, kind: str) -> None:
    """What follows once ``kind`` is known."""
    if kind == MIRRORED:
        session.is_mirrored = _is_harmless(kind, judge.loss(MIRRORED), judge.loss())
    elif kind == TURNED and not session.is_upright:
        rest = (MIRRORED,) if session.is_mirrored else ()
        session.is_upright = not _is_harmless(kind, judge.loss(TURNED, *rest), judge.loss(*rest))
    elif kind == WEAK:
        losses = {1.0: judge.loss(STRONG), WEAK_LIGHT: judge.loss(WEAK), 0.0: judge.loss()}
        if not _is_harmless(STRONG, losses[1.0], min(losses.values())):
            session.light = min(losses, key=losses.__getitem__)


def _is_harmless(kind: str, with_it: float, without: float) -> bool:
    return math.isnan(with_it) or with_it <= without * (1 + PATIENCE[kind]) + TRIFLE


def _varied(session: TrainingSession, picture: LabelledWindow, kind: str) -> LabelledWindow:
    """A variation of one kind; sizes stay."""
    strength = session.config.augmentation
    if kind == MIRRORED:
        return _turned(picture, 0, is_mirrored=True)
    if kind == TURNED:
        turns = 1 + 2 * int(torch.randint(2, (), generator=session.generator))
        return _turned(picture, turns, is_mirrored=session.is_mirrored)
    light = strength * (1.0 if kind == STRONG else WEAK_LIGHT)
    generator = session.generator
    return vary(picture, generator, light, sizes=(1.0, 1.0), is_upright=True, is_mirrored=False)


def _turned(picture: LabelledWindow, turns: int, *, is_mirrored: bool) -> LabelledWindow:
    image, train, held = (
        torch.rot90(part, turns, (-2, -1)) for part in (picture.image, picture.train, picture.held)
    )
    if is_mirrored:
        image, train, held = (part.flip(-1) for part in (image, train, held))
    return LabelledWindow(image.contiguous(), train.contiguous(), held.contiguous())


def _in_folds(picture: LabelledWindow, index: int, count: int) -> LabelledWindow:
    """The picture with the number of its fold in the place of held-out labels; a single one has four."""
    folds = torch.full_like(picture.train, index)
    if count == 1:
        height, width = picture.train.shape
        rows = (torch.arange(height) * 4 // height) % 2
        cols = (torch.arange(width) * 4 // width) % 2
        folds = (2 * rows[:, None] + cols).to(torch.uint8)
    return replace(picture, held=folds, objects=None)


def _joined(parts: Sequence[_Pixels]) -> _Pixels:
    return _Pixels(
        torch.cat([part.features for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.folds for part in parts]),
    )
