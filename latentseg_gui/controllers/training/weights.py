"""Versions of the weights: which one is live, and how to go to another."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from math import nan
from pathlib import Path

from PySide6.QtCore import QDateTime, QObject, Signal

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.classes import set_classes
from latentseg_gui.controllers.interfaces import Dialogs, ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.training.learning import LATENT_EXPERT
from latentseg_gui.document.training.mix_worth import MixWorth
from latentseg_gui.document.training.runs import FineTuneResult
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.messages import LoadWeights
from latentseg_gui.io.project.manifest import SHIPPED, knows_classes
from latentseg_gui.io.storage import atomic_write, remove_file
from latentseg_gui.io.training.weights_names import with_expert_names
from latentseg_gui.panels.experts.values import ExpertLabels

__all__ = ["SHIPPED", "Version", "WeightsController"]


@dataclass(frozen=True, slots=True)
class Version:
    """A set of weights that can be made live again.

    Attributes:
        name: unique in the session.
        path: the safetensors file; None for the shipped ones, and where it is missing or damaged.
        metric: mean IoU on held-out labelled pixels; NaN where it was never measured.
        seconds: how long its fine-tuning took.
        images: how many images it was trained on.
        made: when, as text.
        is_refit: whether it came from a live refit; few of those are kept.
        validated_on: what the metric was measured on, in words.
        sha256: of the file, where it is known.
        size: of the file in bytes, where that is known.
        network: title of the network that it is of; "" for the one that comes with the program.
        mix_worth: what its learned mix of experts is worth on what the user labelled; None where not measured.
    """

    name: str
    path: Path | None
    metric: float = nan
    seconds: float = 0.0
    images: int = 0
    made: str = ""
    is_refit: bool = False
    validated_on: str = ""
    sha256: str = ""
    size: int = 0
    network: str = ""
    mix_worth: MixWorth | None = None

    @property
    def is_lost(self) -> bool:
        """Whether a project lists it, but its file is missing or damaged."""
        return self.path is None and self.name != SHIPPED


class WeightsController(QObject):
    """Loads, lists, saves; the live weights change only when the new ones are there."""

    activated = Signal(object)
    """The `WeightsInfo` that is live from now on."""

    versions_changed = Signal()

    load_failed = Signal()
    """There are no live weights, and none come by themselves."""

    def __init__(
        self,
        document: Document,
        history: History,
        *,
        engine: Jobs,
        files: Jobs,
        dialogs: Dialogs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._engine = engine
        self._files = files
        self._dialogs = dialogs
        self._errors = errors
        self._live: WeightsInfo | None = None
        self.has_failed = False  # whether there are no live weights, nor any on their way
        self._coming = ""
        self._number = 0
        self.versions: dict[str, Version] = {SHIPPED: Version(SHIPPED, None)}
        self.chosen = SHIPPED
        """The version that is wanted: live, about to be, or lost together with its file."""
        self.device = "auto"
        self.expert_labels = ExpertLabels()
        """Names and notes that go into the file when the live weights are saved."""

    @property
    def live(self) -> WeightsInfo | None:
        """What is known of the live weights; None until the engine has started."""
        return self._live

    @property
    def live_path(self) -> Path | None:
        """The file of the live weights; None for the shipped ones."""
        return None if self._live is None else self.versions[self._live.version].path

    @property
    def coming_path(self) -> Path | None:
        """The file of the weights that are live or about to be; None for the shipped ones."""
        version = self.versions.get(self._coming)
        return self.live_path if version is None else version.path

    def next_name(self) -> str:
        """A name that no version has yet."""
        self._number += 1
        while f"v{self._number}" in self.versions:
            self._number += 1
        return f"v{self._number}"

    def take_over(self, versions: Iterable[Version], in_use: str) -> None:
        """The versions of a project take the place of those on the list; the one in use becomes live."""
        before = self._coming or SHIPPED, self.coming_path
        self.versions = {SHIPPED: Version(SHIPPED, None), **{each.name: each for each in versions}}
        self._number = 0
        version = self.versions.get(in_use)
        name = in_use if version is not None and not version.is_lost else SHIPPED
        if before != (name, self.versions[name].path):
            self.activate(name, takes_classes=False)
        self.chosen = in_use if in_use in self.versions else SHIPPED
        self.versions_changed.emit()

    def activate(self, name: str, *, takes_classes: bool = True) -> None:
        """Makes a version live; one whose file is lost is told of.

        Args:
            name: of the version.
            takes_classes: whether a document without masks takes its classes.
        """
        version = self.versions[name]
        if version.is_lost:
            text = self.tr("The file of “{0}” is missing or damaged, so the version cannot be used.")
            self._errors.inform(text.format(name))
            return
        self._coming = self.chosen = name
        self.has_failed = False
        self._engine.submit(
            LoadWeights(version.path, version.name, self.device),
            partial(self._on_loaded, takes_classes=takes_classes),
            title=self.tr("Loading weights"),
            key="weights",
            is_sticky=True,
            is_fresh=lambda loaded: loaded.version in self.versions,  # else another project was opened
            on_failure=partial(self._on_failed, version),
        )

    def use_device(self, device: str) -> None:
        """Runs the live weights on another device ("auto", "cpu", "cuda", "mps")."""
        self.device = device
        self.activate(SHIPPED if self._live is None else self._live.version)

    def activate_shipped(self) -> None:
        """Goes back to the weights that came with the program."""
        self.activate(SHIPPED)

    def adopt(self, result: FineTuneResult, *, images: int, is_live: bool, is_refit: bool = False) -> None:
        """Takes the outcome of a fine-tuning on the list, and makes it live where ``is_live``."""
        version = Version(
            result.version,
            result.weights,
            result.metric_after,
            result.seconds,
            images,
            made=QDateTime.currentDateTime().toString("yyyy-MM-dd HH:mm"),
            is_refit=is_refit,
            validated_on=result.validated_on,
            network=result.network,
        )
        self._forget_refits()
        self.versions[version.name] = version
        if is_live:
            self.chosen = version.name  # so that whoever keeps the list keeps the choice with it
        self.versions_changed.emit()
        if is_live:
            self.activate(version.name)

    def keep(self, version: Version) -> None:
        """More is known of a version than before."""
        if version.name in self.versions:
            self.versions[version.name] = version
            self.versions_changed.emit()

    def _forget_refits(self) -> None:
        """Live refits come with every stroke: only the latest and the one in use are kept."""
        refits = [each for each in self.versions.values() if each.is_refit]
        for version in refits[:-1]:
            if self._live is None or version.name != self._live.version:
                del self.versions[version.name]
                _remove_file_of(version)

    def remove(self, name: str) -> None:
        """Takes a version off the list, if the user is sure; the live one and the shipped one stay."""
        if name in (SHIPPED, self._coming) or (self._live is not None and name == self._live.version):
            self._errors.inform(self.tr("The version in use and the shipped one stay on the list."))
            return
        text = self.tr("“{0}” is deleted for good when the project is next saved.").format(name)
        if name in self.versions and self._dialogs.confirm(
            self.tr("Remove version"), text, self.tr("Remove “{0}”").format(name)
        ):
            self.chosen = SHIPPED if self.chosen == name else self.chosen
            self.versions.pop(name, None)
            self.versions_changed.emit()

    def choose_file(self) -> None:
        """Asks for a weights file and opens it."""
        path = self._dialogs.choose_file(self.tr("Open weights"), "", self.tr("Weights (*.safetensors)"))
        if path is not None:
            self.open(path)

    def open(self, path: Path) -> None:
        """Loads the weights of a file; those in use stay where it cannot be done."""
        name = path.stem
        while name in self.versions and self.versions[name].path != path:
            name += "'"
        version = Version(name, path)
        self._engine.submit(
            LoadWeights(path, name, self.device),
            partial(self._on_opened, version),
            title=self.tr("Loading weights"),
            key="weights",
            is_sticky=True,
            on_failure=partial(self._on_failed, version),
        )

    def save_as(self) -> None:
        """Copies the live weights, with the names of their experts, to a file of the user's choice."""
        if self._live is None:
            return
        source = self.live_path or self._live.path
        if source is None:
            self._errors.inform(
                self.tr("These are the shipped weights: fine-tune them first, then save yours.")
            )
            return
        suggestion = Path(f"{self._live.version}.safetensors")
        target = self._dialogs.choose_target(
            self.tr("Save weights"), suggestion, self.tr("Weights (*.safetensors)")
        )
        if target is None:
            return
        labels, source_path = self.expert_labels, source

        def write() -> Path:
            try:
                atomic_write(target, with_expert_names(source_path.read_bytes(), labels.names, labels.notes))
            except OSError as error:
                raise _gone(source_path, error) from error
            return target

        self._files.submit(
            write,
            lambda answer: self._errors.inform(self.tr("The weights were saved to {0}.").format(answer)),
            title=self.tr("Saving weights"),
            key="save weights",
        )

    def _on_opened(self, version: Version, answer: WeightsInfo) -> None:
        self.versions[version.name] = version
        self.chosen = version.name
        self._on_loaded(answer)

    def _on_loaded(self, answer: WeightsInfo, *, takes_classes: bool = True) -> None:
        self._live, self.has_failed = answer, False
        self._coming = answer.version
        if answer.network != LATENT_EXPERT:
            self.versions[answer.version] = replace(self.versions[answer.version], network=answer.title)
        if takes_classes:
            self._take_classes_of(answer)
        self.activated.emit(answer)
        self.versions_changed.emit()

    def _take_classes_of(self, weights: WeightsInfo) -> None:
        """Classes of the weights become those of the document, as long as it has no masks of its own."""
        if not knows_classes(weights.version) or weights.class_names == self._document.classes.names:
            return
        if self._document.masks.labelled_ids():
            unknown = [name for name in weights.class_names if self._document.classes.id_of(name) is None]
            if unknown:
                text = self.tr("These weights also know classes that your masks do not have: {0}.")
                self._errors.inform(text.format(", ".join(unknown)))
            return
        table = ClassTable.from_names(weights.class_names, weights.class_colours).with_smallest(
            weights.smallest
        )
        self._history.do(set_classes(self._document, table, self.tr("Take the classes of the weights")))

    def _on_failed(self, version: Version, error: LatentsegError) -> None:
        self._coming = "" if self._live is None else self._live.version
        self.chosen = self._coming or SHIPPED
        if version.name != SHIPPED and version.name in self.versions and self._live is not None:
            self.versions_changed.emit()
        self._errors.report(error)
        if self._live is None and (version.name == SHIPPED or self.has_failed):
            self.has_failed = True
            self.load_failed.emit()
        elif self._live is None:
            self.activate_shipped()  # the program was started with a file that is of no use


def _remove_file_of(version: Version) -> None:
    if version.path is not None:
        with suppress(LatentsegError):
            remove_file(version.path)


def _gone(source: Path, error: OSError) -> LatentsegError:
    return LatentsegError(
        f"The weights in “{source}” can no longer be read: {error.strerror or error}.",
        action="Fine-tune again, or go to another version; nothing was overwritten.",
        detail=str(error),
    )
