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

from model.filters import filter_bank
from model.finetuning.session import Session
from model.finetuning.types import IGNORED
from model.finetuning.views import Picture

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

TREES: Final = 60
SURE: Final = 0.75
"""Share of the trees that must agree before a pixel gets a label."""

TAUGHT_BY: Final = 10_000
"""Labelled pixels of a picture that the forest learns from, at most."""

GROWN: Final = 60_000
"""Pixels of a picture that the forest is asked about; more of them teach nothing new."""

SHORTEST: Final = 8.0
"""Seconds of a run below which there is no time for it."""

SHARE: Final = 0.15
"""Of the time of a run; pictures that are not reached by then keep their strokes."""


def grow_strokes(session: Session) -> Iterator[str]:
    """Give more labels to the pictures of a session; those that a person gave, or that are held back, stay.

    Pictures are filtered once for what the forest learns and once for what it is asked: what it is asked about
    hundreds of pictures would take gigabytes to keep.
    """
    if session.clock.seconds < SHORTEST:
        return
    chance = np.random.default_rng(session.config.seed)
    known: list[tuple[NDArray[np.float32], NDArray[np.uint8]]] = []
    for picture in session.pictures:  # the first few have all classes between them
        if session.clock.fraction > SHARE and len(known) >= session.needed:
            break
        known.append(_labelled(picture, chance))
        yield "growing strokes"
    features = np.concatenate([part for part, _ in known])
    labels = np.concatenate([part for _, part in known])
    if len(np.unique(labels)) < 2:
        return
    from sklearn.ensemble import RandomForestClassifier  # takes a second that other runs need not pay

    forest = RandomForestClassifier(
        TREES,
        min_samples_leaf=2,
        max_features="sqrt",
        class_weight="balanced",
        random_state=session.config.seed,
    )
    forest.fit(features, labels)
    for index, picture in enumerate(session.pictures):
        if session.clock.fraction > SHARE:
            return
        session.pictures[index] = _grown(picture, forest, chance)
        yield "growing strokes"


def _labelled(picture: Picture, chance: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Features [n, NUM_FILTERS] and labels [n] of (some of) the labelled pixels."""
    places = _some(picture.train != IGNORED, TAUGHT_BY, chance)
    return _features(picture, places), picture.train.flatten()[places].numpy()


def _grown(picture: Picture, forest: RandomForestClassifier, chance: np.random.Generator) -> Picture:
    """The picture with a label for the pixels of which the forest is sure."""
    places = _some((picture.train == IGNORED) & (picture.held == IGNORED), GROWN, chance)
    if not len(places):
        return picture
    shares = forest.predict_proba(_features(picture, places))
    found = np.where(shares.max(1) >= SURE, forest.classes_[shares.argmax(1)], IGNORED)
    train = picture.train.flatten()
    train[places] = torch.from_numpy(found.astype(np.uint8))
    return replace(picture, train=train.view(picture.train.shape))


def _some(wanted: Tensor, limit: int, chance: np.random.Generator) -> Tensor:
    """Flat indices int64 [n] of at most ``limit`` of the pixels that are True, drawn at random."""
    places = wanted.flatten().nonzero()[:, 0]
    return places[torch.from_numpy(chance.permutation(len(places))[:limit])]


def _features(picture: Picture, places: Tensor) -> NDArray[np.float32]:
    """Filter responses [n, NUM_FILTERS] of the pixels at flat indices."""
    responses = filter_bank(picture.image[None])[0].flatten(1)  # [NUM_FILTERS, H * W]
    values: NDArray[np.float32] = responses[:, places].T.numpy()
    return values
