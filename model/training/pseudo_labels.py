"""Strokes grow before they are learned from: a forest on hand-made filters says what it is sure of.

Strokes keep away from the edges of things, and a network that sees whole neighbourhoods draws the
boundary half-way between them. A forest judges every pixel by itself. It knows less, but what it is
sure of near a stroke is mostly right, and the network learns from that as from any other label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.networks.filters import filter_bank
from model.training.session import TrainingSession
from model.training.types import IGNORED
from model.training.views import LabelledWindow

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

TREES: Final = 60
AT_ONCE: Final = 5
"""Trees that are grown between two looks at the clock: hundreds of thousands of pixels take a second each."""

FEWEST: Final = 15
"""Trees that make a forest; where there is no time for so many, strokes stay as they are."""
SURE: Final = 0.75
"""Share of the trees that must agree before a pixel gets a label."""

TAUGHT_BY: Final = 10_000
"""Labelled pixels of a picture that the forest learns from, at most."""

TAUGHT: Final = 40_000
"""The same of all pictures together: a forest takes longer than in proportion, and more of them teach it little."""

GROWN: Final = 60_000
"""Pixels of a picture that the forest is asked about; more of them teach nothing new."""

SHORTEST: Final = 8.0
"""Seconds of a run below which there is no time for it."""

SHARE: Final = 0.15
"""Of the time of a run; pictures that are not reached by then keep their strokes."""

_READ_BY: Final = SHARE / 3
_FOREST_BY: Final = SHARE * 2 / 3
"""Shares of the time by which labelled pixels are read, and the forest has grown."""


def grow_strokes(session: TrainingSession) -> Iterator[str]:
    """Give more labels to the pictures of a session; those that a person gave, or that are held back, stay.

    Only classes that were painted grow: an object that was accepted as a whole ends where it ends.

    Pictures are filtered once for what the forest learns and once for what it is asked: what it is asked about
    hundreds of pictures would take gigabytes to keep.
    """
    if session.clock.seconds < SHORTEST or not session.painted:
        return
    chance = np.random.default_rng(session.config.seed)
    known: list[tuple[NDArray[np.float32], NDArray[np.uint8]]] = []
    for picture in session.pictures:  # the first few have all classes between them
        if session.clock.fraction > _READ_BY and len(known) >= session.needed:
            break
        known.append(_labelled(picture, chance))
        yield "growing strokes"
    forest = _seedling(session.config.seed)
    yield from _grow_forest(session, forest, known, chance)
    for index, picture in enumerate(session.pictures if len(forest) >= FEWEST else ()):
        if session.clock.fraction > SHARE:
            return
        session.pictures[index] = _grown(picture, forest, session.painted, chance)
        yield "growing strokes"


def _grow_forest(
    session: TrainingSession,
    forest: RandomForestClassifier,
    known: list[tuple[NDArray[np.float32], NDArray[np.uint8]]],
    chance: np.random.Generator,
) -> Iterator[str]:
    """Grow as many trees as the time allows, from features and labels by picture; none of one class alone."""
    features, labels = (np.concatenate(parts) for parts in zip(*known, strict=True))
    some = chance.permutation(len(labels))[:TAUGHT]
    features, labels = features[some], labels[some]
    while len(np.unique(labels)) > 1 and len(forest) < TREES and session.clock.fraction <= _FOREST_BY:
        _add_trees(forest, features, labels)
        yield "growing strokes"


def _seedling(seed: int) -> RandomForestClassifier:
    """A forest without trees."""
    from sklearn.ensemble import RandomForestClassifier  # takes a second that other runs need not pay

    forest = RandomForestClassifier(
        0, min_samples_leaf=2, max_features="sqrt", random_state=seed, warm_start=True
    )
    forest.estimators_ = []
    return forest


def _add_trees(
    forest: RandomForestClassifier, features: NDArray[np.float32], labels: NDArray[np.uint8]
) -> None:
    """Grow `AT_ONCE` trees more; every class weighs the same, however many pixels [n] it has."""
    counts = np.bincount(labels)
    forest.n_estimators = len(forest) + AT_ONCE
    forest.fit(features, labels, sample_weight=1 / counts[labels])


def _labelled(
    picture: LabelledWindow, chance: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Features [n, NUM_FILTERS] and labels [n] of (some of) the labelled pixels."""
    places = _some(picture.train != IGNORED, TAUGHT_BY, chance)
    return _features(picture, places), picture.train.flatten()[places].numpy()


def _grown(
    picture: LabelledWindow,
    forest: RandomForestClassifier,
    classes: frozenset[int],
    chance: np.random.Generator,
) -> LabelledWindow:
    """The picture with a label for the pixels of which the forest is sure that they are of one of ``classes``."""
    places = _some((picture.train == IGNORED) & (picture.held == IGNORED), GROWN, chance)
    if not len(places):
        return picture
    shares = forest.predict_proba(_features(picture, places))
    best = forest.classes_[shares.argmax(1)]
    found = np.where((shares.max(1) >= SURE) & np.isin(best, list(classes)), best, IGNORED)
    train = picture.train.flatten()
    train[places] = torch.from_numpy(found.astype(np.uint8))
    return replace(picture, train=train.view(picture.train.shape))  # [H, W]


def _some(wanted: Tensor, limit: int, chance: np.random.Generator) -> Tensor:
    """Flat indices int64 [n] of at most ``limit`` of the pixels that are True, drawn at random."""
    places = wanted.flatten().nonzero()[:, 0]
    return places[torch.from_numpy(chance.permutation(len(places))[:limit])]


def _features(picture: LabelledWindow, places: Tensor) -> NDArray[np.float32]:
    """Filter responses [n, NUM_FILTERS] of the pixels at flat indices."""
    responses = filter_bank(picture.image[None])[0].flatten(1)  # [NUM_FILTERS, H * W]
    values: NDArray[np.float32] = responses[:, places].T.numpy()
    return values
