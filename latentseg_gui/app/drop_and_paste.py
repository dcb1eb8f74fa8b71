"""Dropped files, pasted images and sample images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication, QImage

from latentseg_gui.app.dropped import content_of, elsewhere
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.samples import sample_paths, title_of
from latentseg_gui.controllers.images.images import ImagesController
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.io.images.thumbnails import thumbnail
from latentseg_gui.panels.files import EmptyStateWidget, SampleImage

_SAMPLE_SIDE = 336
_FIRST_TRY = "coffee.png"


class DropAndPaste(QObject):
    """Opens what is dropped or pasted, and fills the empty state with samples."""

    def __init__(
        self,
        images: ImagesController,
        empty_state: EmptyStateWidget,
        thumbnails: Jobs,
        reporter: Reporter,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._reporter = reporter
        self._images = images
        self._empty_state = empty_state
        self._thumbnails = thumbnails
        self._samples = {path.name: path for path in sample_paths()}
        self._shown: list[SampleImage] = []

    def begin(self) -> None:
        """Reads the samples, small, in the background."""
        for path in self._samples.values():
            self._thumbnails.submit(_SampleReader(path), self._on_sample_read, key=f"sample {path.name}")

    def open_names(self, names: Sequence[str]) -> None:
        """Opens files that were dropped."""
        self._images.open([Path(name) for name in names])

    def open_sample(self, name: str) -> None:
        """Opens one of the samples."""
        self._images.open([self._samples[name]])

    def open_first_try(self) -> None:
        """Opens the sample that a tour is best made on: one object, of which the model has something to learn."""
        path = self._samples.get(_FIRST_TRY) or next(iter(self._samples.values()), None)
        if path is not None:
            self._images.open([path])

    def open_samples(self) -> None:
        """Opens all samples."""
        self._images.open(list(self._samples.values()))

    def paste(self) -> None:
        """Opens the picture or the files of the clipboard."""
        content = content_of(QGuiApplication.clipboard().mimeData())
        if content.paths:
            self.open_names(content.paths)
        elif content.picture is None and content.addresses:
            self.answer_addresses(content.addresses)
        else:
            self.open_picture(content.picture or QImage())

    def open_picture(self, picture: QImage) -> None:
        """Opens a picture that has no file."""
        self._images.paste(_pixels(picture))

    def answer_addresses(self, addresses: Sequence[str]) -> None:
        """Says why what lies elsewhere is not opened."""
        self._reporter.report(elsewhere(tuple(addresses)))

    def _on_sample_read(self, answer: tuple[Path, np.ndarray]) -> None:
        path, pixels = answer
        self._shown.append(SampleImage(path.name, title_of(path), pixels))
        self._empty_state.set_samples(self._shown)


class _SampleReader:
    """Reads a sample small, in a background thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> tuple[Path, np.ndarray]:
        return self._path, thumbnail(self._path, _SAMPLE_SIDE)


def _pixels(image: QImage) -> np.ndarray | None:
    """A Qt image as uint8 [H, W, 3]; None for an empty one."""
    if image.isNull():
        return None
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : rgb.width() * 3].reshape(rgb.height(), rgb.width(), 3).copy()
