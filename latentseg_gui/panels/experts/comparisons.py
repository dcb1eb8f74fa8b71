"""Experts compared: with classes, with each other, and with what they were before fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.document.experts.maps import ExpertSimilarity
from latentseg_gui.document.wording import percent
from latentseg_gui.panels.experts.matrix import ShareMatrix
from latentseg_gui.panels.experts.values import ExpertShift, FolderAffinity
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.widgets import Fold, Segments, text_label

_MOVED: Final = 0.0005
"""Less is rounding: the same weights differ by as much between two number formats."""

_SHOWN: Final = 0.01


class FolderRun(QWidget):
    """Measures the rest of the folder on request, and can be stopped.

    Signals:
        wanted, stop_wanted: the buttons.
    """

    wanted = Signal()
    stop_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._start = QPushButton(icon("folder"), self.tr("Whole folder"))
        self._start.setToolTip(self.tr("Let the model see the images of the list that it has not seen yet"))
        self._stop = QPushButton(icon("close"), self.tr("Stop"))
        self._progress = QProgressBar()
        self._progress.setAccessibleName(self.tr("Measuring the images of the list"))
        self._progress.setFormat("%v / %m")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self._start, self._progress, self._stop):
            row.addWidget(widget)
        self._start.clicked.connect(self.wanted)
        self._stop.clicked.connect(self.stop_wanted)
        self.set_progress(0, 0)

    def set_rest(self, count: int) -> None:
        """How many images were not measured yet."""
        self._start.setEnabled(count > 0)

    def set_progress(self, done: int, total: int) -> None:
        """Shows how far it is; no images where nothing runs."""
        self._start.setVisible(not total)
        self._progress.setVisible(total > 0)
        self._stop.setVisible(total > 0)
        self._progress.setRange(0, max(total, 1))
        self._progress.setValue(done)


class AffinitySection(QWidget):
    """Experts against classes, for this image or for all of the list.

    Signals:
        folder_wanted: the images that were not looked at shall be measured, too.
        stop_wanted: enough of that.
    """

    folder_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._matrix = ShareMatrix(
            self.tr("Experts and classes"), self.tr("{0} of what {1} explains is {2}"), has_heads=True
        )
        self._choice = Segments(
            self.tr("Experts and classes"),
            (
                ("image", self.tr("This image"), self.tr("By the prediction of this image")),
                ("folder", self.tr("All images"), self.tr("By every image of the list that was measured")),
            ),
        )
        self._about = text_label("", "hint")
        self._shares: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._folder: FolderAffinity | None = None
        self._names: tuple[Sequence[str], Sequence[str]] = ((), ())
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(5)
        self._run = FolderRun()
        for widget in (self._choice, self._matrix, self._about, self._run):
            whole.addWidget(widget)
        self._choice.chosen.connect(self._refresh)
        self._run.wanted.connect(self.folder_wanted)
        self._run.stop_wanted.connect(self.stop_wanted)

    def set_shares(self, shares: NDArray[np.float32], experts: Sequence[str], classes: Sequence[str]) -> None:
        """Shows ``shares`` [K, C] of this image, rows summing to 1."""
        self._shares, self._names = shares, (experts, classes)
        self._refresh()

    def set_folder(self, folder: FolderAffinity | None) -> None:
        """Takes the shares over many images."""
        self._folder = folder
        self._refresh()

    def set_progress(self, done: int, total: int) -> None:
        """Shows how far the measurement of the folder is; no images where none runs."""
        self._run.set_progress(done, total)
        if total:
            self.show_folder()

    def show_folder(self) -> None:
        """Shows the matrix over all images, as its button does."""
        self._choice.set_value("folder")
        self._refresh()

    def _refresh(self) -> None:
        experts, classes = self._names
        folder = self._folder
        fits = folder is not None and folder.shares.shape == (len(experts), len(classes))
        is_folder = self._choice.value == "folder"
        self._run.setVisible(is_folder)
        self._run.set_rest(0 if folder is None else folder.total - folder.images)
        if is_folder and folder is not None and fits:
            shares = folder.shares
            text = self.tr("Over {0} of the {1} images of the list, with these weights; rows sum to 100 %.")
            text = text.format(folder.images, folder.total)
        else:
            shares = self._shares
            text = self.tr("Of what an expert explains here, the share of each class.")
        limits = (float(shares.min()), float(shares.max())) if shares.size else (0.0, 1.0)
        self._matrix.set_shares(shares, experts, classes, limits)
        colours = self.tr("Colours run from {0} to {1}.").format(*(percent(each, 1) for each in limits))
        self._about.setText(f"{text} {colours}")


class SimilaritySection(QWidget):
    """Which experts are alike, idle or doubled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = Segments(
            self.tr("Alike by"),
            (
                ("cosine", self.tr("Vectors"), self.tr("Cosine of the vectors of two experts")),
                ("overlap", self.tr("Maps"), self.tr("How much of what they explain is the same")),
            ),
        )
        self._matrix = ShareMatrix(self.tr("Similarity of the experts"), self.tr("{1} and {2}: {0} alike"))
        self._findings = text_label()
        self._similarity: ExpertSimilarity | None = None
        self._names: Sequence[str] = ()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(5)
        about = text_label(self.tr("Similar experts stand side by side."), "hint")
        for widget in (self._choice, self._matrix, about, self._findings):
            whole.addWidget(widget)
        self._choice.chosen.connect(self._refresh)

    def set_similarity(self, similarity: ExpertSimilarity | None, names: Sequence[str]) -> None:
        """Shows how alike the experts of an image are."""
        self._similarity, self._names = similarity, names
        self._refresh()

    def _refresh(self) -> None:
        similarity = self._similarity
        if similarity is None or len(similarity.order) != len(self._names):
            return
        order = list(similarity.order)
        values = similarity.cosine if self._choice.value == "cosine" else similarity.overlap
        names = [self._names[each] for each in order]
        self._matrix.set_shares(values[np.ix_(order, order)], names, names)
        self._findings.setText("\n".join(self._sentences(similarity)))

    def _sentences(self, similarity: ExpertSimilarity) -> list[str]:
        idle, twins = (
            self.tr("{0} is idle: hardly any pixel draws on it."),
            self.tr("{0} and {1} do the same."),
        )
        said = [idle.format(self._names[each]) for each in similarity.idle]
        said += [twins.format(self._names[one], self._names[other]) for one, other in similarity.twins]
        return said or [self.tr("None is idle, no two do the same on this image.")]


class ShiftSection(QWidget):
    """Which experts are others than before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._about = text_label("", "hint")
        self._matrix = ShareMatrix(
            self.tr("Experts before and after"), self.tr("{1}: {2} changed by {0}"), has_heads=True
        )
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(5)
        whole.addWidget(self._about)
        whole.addWidget(self._matrix)

    def set_shift(self, shift: ExpertShift, names: Sequence[str]) -> None:
        """Shows the experts that moved most first."""
        order = np.argsort(-(shift.vectors + shift.maps), kind="stable")
        heads = (self.tr("vector"), self.tr("map"))
        values = np.stack([shift.vectors, shift.maps], axis=1)[order].astype(np.float32)
        high = max(float(values.max()), _SHOWN)
        self._matrix.set_shares(values, [names[int(each)] for each in order], heads, (0.0, high))
        text = self.tr(
            "From {0} to {1}, on this image: how far each vector turned (1 - cosine) and how much of what it "
            "explains is elsewhere. 0 is unchanged; colours run up to {2}."
        )
        text = text.format(shift.before, shift.after, percent(high, 1))
        self._about.setText(f"{self._finding(shift, names)} {text}")

    def _finding(self, shift: ExpertShift, names: Sequence[str]) -> str:
        """What is to be seen, in a sentence."""
        if max(shift.vectors.max(), shift.maps.max()) < _MOVED:
            return self.tr(
                "No expert moved: this run changed what is made of their answers, not the experts."
            )
        turned, moved = int(shift.vectors.argmax()), int(shift.maps.argmax())
        text = self.tr("{0} turned most ({1}), the map of {2} changed most ({3}).")
        return text.format(
            names[turned], percent(shift.vectors[turned], 1), names[moved], percent(shift.maps[moved], 1)
        )


class Comparisons(QWidget):
    """The three sections, each in a fold that shows only where there is something to compare."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.affinity, self._similarity, self._shift = AffinitySection(), SimilaritySection(), ShiftSection()
        self.affinity_fold = _fold(self.tr("Experts and classes"), self.affinity)
        self._similarity_fold = _fold(self.tr("Similar, unused and duplicate experts"), self._similarity)
        self.shift_fold = _fold(self.tr("Before and after fine-tuning"), self._shift)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(9)
        self._found: tuple[ExpertSimilarity | None, ExpertShift | None] = (None, None)
        self._names: Sequence[str] = ()
        for fold in (self.affinity_fold, self._similarity_fold, self.shift_fold):
            fold.setVisible(False)
            whole.addWidget(fold)

    def set_similarity(self, similarity: ExpertSimilarity | None) -> None:
        """How alike the experts are; None hides the section."""
        self._found = (similarity, self._found[1])
        self._refresh()

    def set_shift(self, shift: ExpertShift | None) -> None:
        """What fine-tuning moved; None hides the section."""
        self._found = (self._found[0], shift)
        self._refresh()

    @property
    def shift(self) -> ExpertShift | None:
        """What fine-tuning moved; None where there is nothing to compare."""
        return self._found[1]

    def set_folder_affinity(self, folder: FolderAffinity | None) -> None:
        """Experts against classes over many images."""
        self.affinity.set_folder(folder)

    def set_names(self, names: Sequence[str]) -> None:
        """What the experts are called; none where something else than experts is shown."""
        self._names = tuple(names)
        self._refresh()

    def _refresh(self) -> None:
        similarity, shift = self._found
        count = len(self._names)
        self._similarity_fold.setVisible(similarity is not None and len(similarity.order) == count > 1)
        self.shift_fold.setVisible(shift is not None and shift.maps.size == count > 0)
        self._similarity.set_similarity(similarity, self._names)
        if shift is not None and shift.maps.size == count:
            self._shift.set_shift(shift, self._names)


def _fold(title: str, content: QWidget) -> Fold:
    fold = Fold(title)
    fold.body.addWidget(content)
    return fold
