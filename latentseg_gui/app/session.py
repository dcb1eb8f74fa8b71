"""Everything one running window is made of, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer

from latentseg_gui.app.dialogs import QtDialogs
from latentseg_gui.app.log import state_folder
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.preferences import Preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.self_test import SelfTest
from latentseg_gui.commands.history import History
from latentseg_gui.controllers.experts.changes import ExpertChangesController
from latentseg_gui.controllers.experts.click_maps import ClickMapsController
from latentseg_gui.controllers.experts.figures import FiguresController
from latentseg_gui.controllers.experts.folder import ExpertFolderController
from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.experts.intervene import InterveneController
from latentseg_gui.controllers.experts.names import ExpertNamesController
from latentseg_gui.controllers.experts.regions import ExpertPartsController
from latentseg_gui.controllers.images.display import DisplayController
from latentseg_gui.controllers.images.images import ProjectController
from latentseg_gui.controllers.images.levels import AdjustController
from latentseg_gui.controllers.images.pages import PagesController
from latentseg_gui.controllers.images.thumbnails import ThumbnailController
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.controllers.masks.areas import AreasController
from latentseg_gui.controllers.masks.classes import ClassesController
from latentseg_gui.controllers.masks.edit_queue import Edits
from latentseg_gui.controllers.masks.editing import EditController
from latentseg_gui.controllers.masks.mask_allocation import BlankMasks
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.controllers.masks.paint import PaintController
from latentseg_gui.controllers.masks.tool import ToolController
from latentseg_gui.controllers.prediction.class_mapping import Translator
from latentseg_gui.controllers.prediction.compare import CompareController
from latentseg_gui.controllers.prediction.hover import HoverController
from latentseg_gui.controllers.prediction.other_versions import OtherVersionsController
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.controllers.prediction.segment import SegmentController
from latentseg_gui.controllers.project.opening import OpeningController
from latentseg_gui.controllers.project.project import StorageController
from latentseg_gui.controllers.project.untitled import UntitledProjects
from latentseg_gui.controllers.training.finetune import FineTuneController
from latentseg_gui.controllers.training.live import LiveController
from latentseg_gui.controllers.training.ranking import Ranking
from latentseg_gui.controllers.training.suggestions import PlacesController
from latentseg_gui.controllers.training.training_view import TrainingViewController
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.controllers.transfer.batch import BatchController
from latentseg_gui.controllers.transfer.export import ExportController
from latentseg_gui.controllers.transfer.importing import ImportController
from latentseg_gui.document.document import Document
from latentseg_gui.inference.service import ENGINE, TRAINING
from latentseg_gui.io.session_folder import SessionFolder
from latentseg_gui.workers.lanes import ChildLane, Lane, ThreadLane, training_threads

_TRAINING_NICENESS = 10


class Lanes(QObject):
    """The background: three threads for files, one for large edits, one child for the model, one for training."""

    def __init__(self, fault_folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.files = ThreadLane(name="files", parent=self)
        self.thumbnails = ThreadLane(name="thumbnails", parent=self)
        self.edits = ThreadLane(name="edits", parent=self)
        self.batch = ThreadLane(name="batch", parent=self)
        self.engine = ChildLane(ENGINE, name="model", fault_log=fault_folder / "model-crash.log", parent=self)
        self.training = ChildLane(
            TRAINING,
            name="training",
            niceness=_TRAINING_NICENESS,
            threads=training_threads(),
            fault_log=fault_folder / "training-crash.log",
            parent=self,
        )

    @property
    def all(self) -> tuple[Lane, ...]:
        """Every lane, in the order in which they are shut down."""
        return self.training, self.engine, self.batch, self.edits, self.thumbnails, self.files

    def shutdown(self) -> None:
        """Ends every thread and child."""
        for lane in self.all:
            lane.cancel_all()
        for lane in self.all:
            lane.shutdown()


class Session(QObject):
    """The composition root: makes the parts and hands each what it needs; `wiring` connects them."""

    def __init__(self, preferences: Preferences, reporter: Reporter) -> None:
        super().__init__()
        self.preferences = preferences
        self.reporter = reporter
        self.document = Document(id_prefix=f"image-{uuid4().hex[:8]}")
        self.history = History(self.document)
        self.window = MainWindow()
        self.dialogs = QtDialogs(self.window)
        self.lanes = Lanes(state_folder(), self)
        self.own_versions = SessionFolder(state_folder() / "versions")
        self.file_jobs = Jobs(self.lanes.files, "files", reporter, self)
        self.edit_jobs = Jobs(self.lanes.edits, "edits", reporter, self)
        self.thumbnail_jobs = Jobs(self.lanes.thumbnails, "thumbnails", reporter, self)
        self.batch_jobs = Jobs(self.lanes.batch, "batch", reporter, self)
        self.engine_jobs = Jobs(self.lanes.engine, "engine", reporter, self, asks_again=True)
        self.training_jobs = Jobs(self.lanes.training, "training", reporter, self)
        self._make_controllers()

    def _make_controllers(self) -> None:
        window, document, history, errors = self.window, self.document, self.history, self.reporter
        self.project = ProjectController(
            document, window.files, readers=self.file_jobs, dialogs=self.dialogs, errors=errors, parent=self
        )
        self.pages = PagesController(document, window.pages, self)
        self.thumbnails = ThumbnailController(
            document, window.files, thumbnails=self.thumbnail_jobs, parent=self
        )
        self.display = DisplayController(document, window.canvas, window=window, parent=self)
        self.tool = ToolController(window.canvas, self)
        self.edits = Edits(document, history, window.canvas, jobs=self.edit_jobs, errors=errors, parent=self)
        BlankMasks(document, jobs=self.edit_jobs, parent=self)
        self.paint = PaintController(document, history, window.canvas, self.tool, self.edits, self)
        self.objects = ObjectsController(document, self.edits, window.canvas, errors=errors, parent=self)
        self.edit = EditController(document, history, self.edits, self.objects, self)
        self.classes = ClassesController(document, history, self.edits, self)
        self.areas = AreasController(document, window.classes, self)
        self.adjust = AdjustController(
            document, window.canvas, window.levels, readers=self.file_jobs, parent=self
        )
        self.compare = CompareController(
            document, window.canvas, jobs=self.file_jobs, errors=errors, parent=self
        )
        self._make_output_controllers()
        self._make_storage_controllers()
        self._make_model_controllers()
        self._make_training_controllers()
        self.self_test = SelfTest(window, lambda: self.weights.device, errors, self)

    def _make_output_controllers(self) -> None:
        window, document, errors = self.window, self.document, self.reporter
        self.export = ExportController(
            document,
            writers=self.file_jobs,
            engine=self.engine_jobs,
            extras=lambda: self.predict.extras,
            errors=errors,
            window=window,
            parent=self,
        )
        self.importing = ImportController(
            document,
            self.history,
            edits=self.edits,
            readers=self.batch_jobs,
            is_painting=lambda: self.paint.is_painting,
            dialogs=self.dialogs,
            errors=errors,
            window=window,
            parent=self,
        )
        self.batch = BatchController(
            document,
            engine=self.engine_jobs,
            files=self.batch_jobs,
            extras=lambda: self.predict.extras,
            errors=errors,
            window=window,
            parent=self,
        )

    def _make_storage_controllers(self) -> None:
        document, dialogs, errors = self.document, self.dialogs, self.reporter
        untitled = UntitledProjects(state_folder() / "untitled")
        self.storage = StorageController(
            document,
            files=self.file_jobs,
            dialogs=dialogs,
            errors=errors,
            untitled=untitled,
            is_painting=lambda: self.paint.is_painting,
            parent=self,
        )
        self.opening = OpeningController(
            document,
            self.history,
            storage=self.storage,
            untitled=untitled,
            files=self.file_jobs,
            dialogs=dialogs,
            errors=errors,
            parent=self,
        )

    def _make_model_controllers(self) -> None:
        window, document, errors, engine = self.window, self.document, self.reporter, self.engine_jobs
        self.weights = WeightsController(
            document,
            self.history,
            engine=engine,
            files=self.file_jobs,
            dialogs=self.dialogs,
            errors=errors,
            parent=self,
        )
        translator = Translator(document, self.edit_jobs)
        self.predict = PredictController(
            document, engine=engine, translator=translator, errors=errors, window=window, parent=self
        )
        OtherVersionsController(
            self.compare, self.weights, engine, translator, extras=lambda: self.predict.extras, parent=self
        )
        self.segment = SegmentController(
            document,
            self.edits,
            window.canvas,
            self.predict,
            engine=engine,
            errors=errors,
            window=window,
            parent=self,
        )
        self.hover = HoverController(document, window.canvas, self.predict, engine=engine, parent=self)
        self._make_expert_controllers()

    def _make_expert_controllers(self) -> None:
        window, document, errors, engine = self.window, self.document, self.reporter, self.engine_jobs
        self.inspect = InspectController(document, window.experts, window.canvas, engine=engine, parent=self)
        self.intervene = InterveneController(
            document,
            window.experts,
            self.inspect,
            engine=engine,
            translator=Translator(document, self.edit_jobs),
            errors=errors,
            parent=self,
        )
        self.expert_parts = ExpertPartsController(
            document,
            window.experts,
            self.inspect,
            window.canvas,
            engine=engine,
            errors=errors,
            parent=self,
        )
        self.expert_names = ExpertNamesController(window.experts, self.weights, self)
        self.expert_changes = ExpertChangesController(document, window.experts, self.inspect, self)
        self.expert_folder = ExpertFolderController(
            document,
            window.experts,
            (self.inspect, self.expert_changes),
            engine=engine,
            readers=self.file_jobs,
            errors=errors,
            parent=self,
        )
        self.figures = FiguresController(
            document,
            window.experts,
            (self.inspect, self.intervene, self.expert_names),
            writers=self.file_jobs,
            dialogs=self.dialogs,
            errors=errors,
            parent=self,
        )
        self.click_maps = ClickMapsController(
            document, window.experts, engine=engine, errors=errors, parent=self
        )

    def _make_training_controllers(self) -> None:
        window, document, errors = self.window, self.document, self.reporter
        self.finetune = FineTuneController(
            document,
            self.weights,
            training=self.training_jobs,
            readers=self.file_jobs,
            errors=errors,
            versions_folder=self.own_versions.folder,
            dialogs=self.dialogs,
            parent=self,
        )
        self.live = LiveController(self.finetune, lane=self.lanes.training, parent=self)
        self.training_view = TrainingViewController(
            document,
            window.training,
            finetune=self.finetune,
            weights=self.weights,
            engine=self.engine_jobs,
            errors=errors,
            parent=self,
        )
        self.places = PlacesController(
            document,
            window.training.places,
            window.canvas,
            window.files,
            project=self.project,
            ranking=Ranking(document, engine=self.engine_jobs, readers=self.batch_jobs, parent=self),
            errors=errors,
            parent=self,
        )

    def begin(self, paths: Sequence[Path]) -> None:
        """Starts the model behind the window and opens what was asked for."""
        self.weights.device, self.project.last_folder = self.preferences.device, self.preferences.last_folder
        self.weights.activate_shipped()
        self.opening.begin(paths, self.preferences.recent, partial(self.project.open, paths))

    @property
    def all_jobs(self) -> tuple[JobSource, ...]:
        """The jobs that the status bar shows."""
        lanes = self.file_jobs, self.edit_jobs, self.engine_jobs, self.training_jobs, self.batch_jobs
        return *lanes, self.export, self.importing, self.batch, self.expert_folder, self.self_test

    def shutdown(self) -> None:
        """Ends everything in the background, then the window, now and in this order.

        What Python's garbage collector takes apart later would still hear events of Qt meanwhile.
        """
        self.storage.abandon()
        self.lanes.shutdown()
        self.own_versions.remove()
        self.opening.abandon()
        self.export.abandon()
        self.importing.abandon()
        self.batch.abandon()
        self.self_test.stop()
        for owner in (self, self.window):
            for timer in owner.findChildren(QTimer):
                timer.stop()
        for events in (self.document.events, self.history.events):
            for signal in events.signals.values():
                signal.disconnect()
        self.window.hide()
        self.window.deleteLater()
        self.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
