"""Experts over several images, and over two versions of the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.document.document import Document
from latentseg_gui.document.experts.maps import ExpertMaps
from latentseg_gui.panels.experts.attention_math import class_affinity, head_mean, labels_at_tokens
from latentseg_gui.panels.experts.panel import ExpertsPanel
from latentseg_gui.panels.experts.values import ExpertShift, FolderAffinity
from model.analysis.attention import vector_shift

Floats = NDArray[np.float32]

MAX_IMAGES: Final = 12
"""Images whose experts are remembered for a comparison with later weights."""

TOKENS: Final = 96
"""Of a row or column of maps, so many at most are compared and added up: it happens in the window's own thread."""


@dataclass(frozen=True, slots=True)
class ExpertSnapshot:
    """The experts of one image with one version: ``vectors`` [K, D], ``mix`` [K, h, w], mean of the heads."""

    version: str
    vectors: Floats
    mix: Floats


class ExpertChangesController(QObject):
    """Remembers what the experts were like, to say what has moved and what they explain over all images."""

    def __init__(
        self,
        document: Document,
        panel: ExpertsPanel,
        inspect: InspectController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._inspect = inspect
        self._snapshots: dict[str, ExpertSnapshot] = {}
        self._sums: dict[str, Floats] = {}
        self._sums_of: tuple[str, tuple[str, ...]] = ("", ())
        inspect.maps_arrived.connect(self._on_maps)
        inspect.maps_kept.connect(self._on_maps)
        document.events.current_changed.connect(self._on_current_changed)
        document.events.images_changed.connect(self._on_images_changed)

    def missing(self, version: str) -> list[str]:
        """The images of the list that nobody has added up for a version of the weights."""
        is_same = self._sums_of == (version, self._document.classes.names)
        return [each for each in self._document.images.ids if not (is_same and each in self._sums)]

    def add(self, image_id: str, version: str, shares: Floats) -> None:
        """Adds an image: of it, what each expert explains in each class of the document, [K, C]."""
        of = version, self._document.classes.names
        if self._sums_of != of:
            self._sums_of = of
            self._sums.clear()
        self._sums[image_id] = shares
        self._show_sums()

    def _on_current_changed(self) -> None:
        self._panel.view.comparisons.set_shift(None)

    def _on_maps(self, maps: ExpertMaps) -> None:
        every = -(-max(maps.mix.shape[2:]) // TOKENS)
        mix = head_mean(maps.mix[:, :, ::every, ::every])
        if maps.similarity is not None:
            self._compare(maps.image_id, ExpertSnapshot(maps.version, maps.similarity.vectors, mix))
        self._add_up(maps, mix, every)

    def _compare(self, image_id: str, now: ExpertSnapshot) -> None:
        before = self._snapshots.pop(image_id, None)
        self._snapshots[image_id] = now
        while len(self._snapshots) > MAX_IMAGES:
            del self._snapshots[next(iter(self._snapshots))]
        if before is None or before.version != now.version:  # else what was said when it came still holds
            self._panel.view.comparisons.set_shift(None if before is None else shift(before, now))

    def _add_up(self, maps: ExpertMaps, mix: Floats, every: int) -> None:
        prediction, classes = self._inspect.untouched, self._document.classes
        if prediction is None or prediction.labels.shape != maps.shape:
            return
        labels = labels_at_tokens(prediction.labels, maps.mix.shape[2:], maps.stride)[::every, ::every]
        shares = class_affinity(mix, classes.number_table[labels], len(classes))
        shares = shares * mix.mean(axis=(1, 2), dtype=np.float32)[:, None]
        self.add(maps.image_id, maps.version, shares)

    def _on_images_changed(self) -> None:
        for gone in self._sums.keys() - set(self._document.images.ids):
            del self._sums[gone]
        self._show_sums()

    def _show_sums(self) -> None:
        total = len(self._document.images.ids)
        found = over_all(list(self._sums.values()), total) if self._sums else None
        self._panel.view.comparisons.set_folder_affinity(found)


def shift(before: ExpertSnapshot, now: ExpertSnapshot) -> ExpertShift | None:
    """How the experts moved; None where there is nothing that can be compared."""
    if before.vectors.shape != now.vectors.shape or before.mix.shape != now.mix.shape:
        return None
    old, new = (each.reshape(len(each), -1) for each in (before.mix, now.mix))
    old, new = (each / np.maximum(each.sum(axis=1, keepdims=True), 1e-12) for each in (old, new))
    common = np.minimum(old, new).sum(axis=1)
    return ExpertShift(
        before.version,
        now.version,
        np.clip(vector_shift(before.vectors, now.vectors), 0, 1),
        np.clip(1 - common, 0, 1).astype(np.float32),
    )


def over_all(sums: list[Floats], images: int) -> FolderAffinity:
    """Experts against classes over images, each [K, C]: a large share of an image weighs more than a small one.

    Args:
        sums: of those that were measured, at least one.
        images: how many there are.
    """
    total = np.sum(sums, axis=0)
    rows = total.sum(axis=1, keepdims=True)
    shares = np.divide(total, rows, out=np.zeros_like(total), where=rows > 0)
    return FolderAffinity(shares.astype(np.float32), len(sums), images)
