"""What runs in the background of one window, and the jobs in it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from latentseg_gui.app.reporting import Reporter
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.inference.service import ENGINE, TRAINING
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


class LaneJobs:
    """The jobs of every lane; failures that nobody else listens for go to ``errors``."""

    def __init__(self, lanes: Lanes, errors: Reporter, parent: QObject) -> None:
        self.files = Jobs(lanes.files, "files", errors, parent)
        self.edits = Jobs(lanes.edits, "edits", errors, parent)
        self.thumbnails = Jobs(lanes.thumbnails, "thumbnails", errors, parent)
        self.batch = Jobs(lanes.batch, "batch", errors, parent)
        self.engine = Jobs(lanes.engine, "engine", errors, parent, asks_again=True)
        self.training = Jobs(lanes.training, "training", errors, parent)
