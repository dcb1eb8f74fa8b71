"""The experts of the current image as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QStandardPaths

from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.experts.intervene import InterveneController
from latentseg_gui.controllers.experts.names import ExpertNamesController
from latentseg_gui.controllers.interfaces import Dialogs, ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.experts.maps import ExpertMaps
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import Labels
from latentseg_gui.io.experts.expert_files import ExpertReport, InfluenceLine, files_of
from latentseg_gui.io.storage import atomic_write, make_folder
from latentseg_gui.panels.experts import attention_math as attention
from latentseg_gui.panels.experts.panel import ExpertsPanel


class FiguresController(QObject):
    """Writes figures, maps and tables into a folder of the user's choice, with the names the user gave."""

    def __init__(
        self,
        document: Document,
        panel: ExpertsPanel,
        experts: tuple[InspectController, InterveneController, ExpertNamesController],
        *,
        writers: Jobs,
        dialogs: Dialogs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._inspect, self._intervene, self._names = experts
        self._writers = writers
        self._dialogs = dialogs
        self._errors = errors
        self._last = ""
        panel.view.save_wanted.connect(self.save)

    def save(self) -> None:
        """Asks for a folder and writes everything that is known of the experts into a folder in it."""
        maps = self._inspect.maps
        if maps is None:
            self._errors.inform(self.tr("There is something to save once the image has a prediction."))
            return
        path = self._document.images.path(maps.image_id)
        chosen = self._dialogs.choose_folder(self.tr("Save figures and maps in"), self._last or _documents())
        if chosen is None:
            return
        self._last = str(chosen)
        folder = _unused(chosen / f"{'image' if path is None else path.stem}_experts")
        self._writers.submit(
            partial(report_of, self._material(maps)), partial(self._on_report, folder), key=f"report {folder}"
        )

    def _on_report(self, folder: Path, report: ExpertReport) -> None:
        """One job per file, so that an image that is opened meanwhile does not wait for all of them."""
        files = files_of(report)
        last = list(files)[-1]
        for name, make in files.items():
            self._writers.submit(
                partial(_write, folder / name, make),
                partial(self._on_written, folder, len(files) if name == last else 0),
                title=self.tr("Saving figures"),
                key=f"figure {folder / name}",
            )

    def _material(self, maps: ExpertMaps) -> _Material:
        labels, prediction = self._names.labels, self._inspect.untouched
        count = int(maps.mix.shape[1])
        number = self.tr("Expert {0}")
        return _Material(
            maps,
            None if prediction is None else prediction.labels,
            self._document.classes,
            tuple(labels.names.get(each) or number.format(each) for each in range(count)),
            dict(labels.notes),
            self._intervene.influence,
        )

    def _on_written(self, folder: Path, count: int, _: object) -> None:
        if count:
            self._errors.inform(self.tr("{0} files were saved in {1}.").format(count, folder))


@dataclass(frozen=True, slots=True)
class _Material:
    """What a report is made of, gathered in the window and worked up in the background."""

    maps: ExpertMaps
    labels: Labels | None
    classes: ClassTable
    experts: tuple[str, ...]
    notes: dict[int, str]
    influence: tuple[InfluenceLine, ...]


def _write(path: Path, make: Callable[[], bytes]) -> None:
    make_folder(path.parent)
    atomic_write(path, make())


def report_of(material: _Material) -> ExpertReport:
    """Everything that the files say, from the maps of one image."""
    maps, similarity = material.maps, material.maps.similarity
    look, mix = attention.head_mean(maps.look), attention.head_mean(maps.mix)
    affinity = np.zeros((len(mix), 0), np.float32)
    if material.labels is not None and material.labels.shape == maps.shape:
        labels = attention.labels_at_tokens(material.labels, (mix.shape[1], mix.shape[2]), maps.stride)
        labels = material.classes.number_table[labels]
        affinity = attention.class_affinity(mix, labels, len(material.classes))
    return ExpertReport(
        look=maps.look,
        mix=maps.mix,
        shown_look=look,
        shown_mix=mix,
        shape=maps.shape,
        stride=maps.stride,
        experts=material.experts,
        classes=material.classes.names,
        affinity=affinity,
        cosine=None if similarity is None else similarity.cosine,
        overlap=None if similarity is None else similarity.overlap,
        order=tuple(range(len(mix))) if similarity is None else similarity.order,
        mass=attention.mass(mix),
        spread=attention.look_entropy(look),
        entropy=attention.mix_entropy(mix),
        influence=material.influence,
        notes=material.notes,
    )


def _documents() -> str:
    """Where documents are kept: figures do not belong among the pictures that they were made from."""
    return QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)


def _unused(folder: Path) -> Path:
    """``folder``, or with a number where there is something already: nothing is overwritten."""
    number, free = 2, folder
    while free.exists():
        free, number = folder.with_name(f"{folder.name}_{number}"), number + 1
    return free
