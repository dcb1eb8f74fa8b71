"""Everything one running window is made of, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer

from latentseg_gui.app.dialogs import QtDialogs
from latentseg_gui.app.flows import (
    evaluation,
    experts,
    images,
    masks,
    prediction,
    project,
    training,
    transfer,
)
from latentseg_gui.app.flows.base import Base
from latentseg_gui.app.lanes import LaneJobs, Lanes
from latentseg_gui.app.log import state_folder
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.preferences import Preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.self_test import SelfTest
from latentseg_gui.commands.history import History
from latentseg_gui.controllers.jobs import JobSource
from latentseg_gui.controllers.project.closing import ClosingController
from latentseg_gui.controllers.waiting import LabelsToCome
from latentseg_gui.document.document import Document
from latentseg_gui.inference.training.shipped import begin_with
from latentseg_gui.io.project.session_folder import SessionFolder


class Session(QObject):
    """The composition root: the window, the document and the flows, each built on those before it."""

    def __init__(self, preferences: Preferences, reporter: Reporter) -> None:
        super().__init__()
        self.preferences = preferences
        self.reporter = reporter
        self.document = Document(id_prefix=f"image-{uuid4().hex[:8]}")
        self.history = History(self.document)
        self.window = MainWindow()
        self.dialogs = QtDialogs(self.window)
        self.lanes = Lanes(state_folder(), self)
        self.jobs = LaneJobs(self.lanes, reporter, self)
        self.own_versions = SessionFolder(state_folder() / "versions")
        self.base = Base(
            self,
            self.window,
            self.document,
            self.history,
            self.dialogs,
            reporter,
            preferences,
            self.lanes,
            self.jobs,
            self.own_versions.folder,
            LabelsToCome(self.document, self),
        )
        self._build_flows()
        self.self_test = SelfTest(self.window, lambda: self.weights.device, reporter, self)

    def _build_flows(self) -> None:
        base = self.base
        opened = images.build(base)
        self.images, self.pages = opened.controller, opened.pages
        self.display, self.adjust = opened.display, opened.adjust
        hand = masks.build(base, opened)
        self.tool, self.edits, self.paint = hand.tool, hand.edits, hand.paint
        self.objects, self.edit, self.classes = hand.objects, hand.edit, hand.classes
        self.carry = hand.carry
        saved = project.build(base, opened, hand)
        self.storage, self.opening = saved.storage, saved.opening
        learned = training.build(base, opened, hand, saved)
        self.weights, self.finetune, self.live = learned.weights, learned.finetune, learned.live
        self.uncertain_regions, self.comparing = learned.uncertain_regions, learned.comparing
        self.click_learning = learned.clicks
        said = prediction.build(base, opened, hand, learned)
        self.predict, self.compare, self.segment = said.predict, said.compare, said.segment
        self.click_model, self.candidates = said.click_model, said.candidates
        self.follow, self.list_search = said.follow, said.list_search
        inside = experts.build(base, opened, said, learned)
        self.inspect, self.intervene = inside.inspect, inside.intervene
        self.region_attention, self.network_maps = inside.region_attention, inside.network
        self.expert_names, self.expert_folder = inside.names, inside.folder
        self.evaluation = evaluation.build(base, opened, learned, said)
        moved = transfer.build(base, opened, hand, learned, said)
        self.export, self.importing, self.batch = moved.export, moved.importing, moved.batch
        closing = ClosingController(
            self.storage,
            self.finetune,
            self.batch,
            dialogs=self.dialogs,
            is_importing=moved.is_importing,
            is_comparing=lambda: learned.comparing.is_running,
            coming=lambda: base.coming.sentence,
            parent=self,
        )
        self.window.close_requested.connect(closing.on_close_requested)

    def begin(self, paths: Sequence[Path]) -> None:
        """Starts the model behind the window and opens what was asked for."""
        begin_with(for_work=self.preferences.work_weights)
        self.weights.device, self.images.last_folder = self.preferences.device, self.preferences.last_folder
        self.weights.activate_shipped()
        if self.preferences.click_model:
            self.click_model.open_again(
                Path(self.preferences.click_model), self.preferences.click_model_digest
            )
        self.opening.begin(paths, self.preferences.recent, partial(self.images.open, paths))

    @property
    def all_jobs(self) -> tuple[JobSource, ...]:
        """The jobs that the status bar shows."""
        jobs = self.jobs
        lanes = jobs.files, jobs.edits, jobs.engine, jobs.training, jobs.batch
        return (
            *lanes,
            self.export,
            self.importing,
            self.batch,
            self.expert_folder,
            self.candidates,
            self.follow,
            self.list_search,
            self.self_test,
            self.finetune.waiting,
            self.comparing.waiting,
            self.click_learning.waiting,
            self.carry.waiting,
            self.export.saving,
            self.storage.again,
            self.storage.elsewhere,
        )

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
        self.carry.abandon()
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
