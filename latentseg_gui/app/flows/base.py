"""What every flow stands on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from latentseg_gui.app.dialogs import QtDialogs
from latentseg_gui.app.lanes import LaneJobs, Lanes
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.preferences import Preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.commands.history import History
from latentseg_gui.controllers.waiting import LabelsToCome
from latentseg_gui.document.document import Document


@dataclass(frozen=True, slots=True)
class Base:
    """The window, the truth, and the background.

    Attributes:
        owner: of the controllers.
        own_versions: folder for weights that were fine-tuned in this window.
        coming: labels that are on their way into the document; whoever has such adds itself.
    """

    owner: QObject
    window: MainWindow
    document: Document
    history: History
    dialogs: QtDialogs
    errors: Reporter
    preferences: Preferences
    lanes: Lanes
    jobs: LaneJobs
    own_versions: Path
    coming: LabelsToCome

    def on(self, action: str, handler: Callable[[], object]) -> None:
        """Has a command of the window done by ``handler``."""
        self.window.action[action].triggered.connect(without_argument(handler))

    def on_switch(self, action: str, handler: Callable[[bool], object]) -> None:
        """Has a switch of the window followed by ``handler``."""
        self.window.action[action].toggled.connect(handler)

    def on_remembered_switch(self, name: str, handler: Callable[[bool], object]) -> None:
        """As `on_switch`, for one that stands as it was left; ``name`` is that of action and preference."""
        self.on_switch(name, handler)
        self.on_switch(name, partial(setattr, self.preferences, name))
        self.window.action[name].setChecked(bool(getattr(self.preferences, name)))


def without_argument(handler: Callable[[], object]) -> Callable[[], None]:
    """Qt hands ``triggered`` a boolean that plain commands have no use for."""

    def call() -> None:
        handler()

    return call
