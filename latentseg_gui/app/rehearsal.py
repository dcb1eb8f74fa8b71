"""`latentseg doctor --window`: the first minute of a user, done by the program itself, to see whether it works here.

Everything is real: the window, a sample image, a mouse click, the model's process, an export.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent

from latentseg_gui.app.main import application, finish, start
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.samples import sample_paths
from latentseg_gui.app.session import Session
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import UNLABELLED

_PLACE: Final = (225.0, 120.0)
"""Where the click goes: the face of the first sample, as (x, y) in its pixels."""
_LOOK_MS: Final = 10
_PATIENCE_S: Final = 300.0


def rehearse(folder: Path, settings: Path, patience: float = _PATIENCE_S) -> Iterator[str]:
    """Open the window, a sample, click on it, export the mask, and close; a line after each step.

    Args:
        folder: where the mask goes.
        settings: an empty folder. On Linux, settings and recovery data are kept there meanwhile, so that those
            of the user are neither read nor written.
        patience: the longest time that one step may take, in seconds.

    Raises:
        LatentsegError: a step did not come to its end within ``patience`` seconds, or an error was reported.
    """
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        os.environ[name] = str(settings)
    sample = sample_paths()[:1]
    if not sample:
        raise LatentsegError("The sample images are missing.", action="Install latentseg again.")
    begin = perf_counter()
    application()
    reporter = Reporter()
    session = start(reporter, sample)
    try:
        yield from _Steps(session, reporter, begin, patience).run(folder / "mask.png")
    finally:
        finish(session)


class _Steps:
    """What is done and waited for, and the seconds since the beginning."""

    def __init__(self, session: Session, reporter: Reporter, begin: float, patience: float) -> None:
        self._session = session
        self._begin = begin
        self._patience = patience
        self._errors: list[LatentsegError] = []
        reporter.reported.connect(self._errors.append)

    def run(self, target: Path) -> Iterator[str]:
        session = self._session
        self._wait_for(session.window.isVisible, "the window did not open")
        yield self._said("the window is open")
        self._wait_for(lambda: session.window.canvas.image.is_shown, "the sample image did not open")
        yield self._said("the sample image is shown")
        session.window.action["tool_click"].trigger()
        self._click(_PLACE)
        self._wait_for(self._is_answered, "the click was not answered")
        pixels = self._accept()
        yield self._said(f"the first click is answered ({pixels:,} pixels)")
        session.export.export_to(target, "png")
        self._wait_for(lambda: target.exists() and session.lanes.files.is_idle, "the mask was not exported")
        yield self._said(f"the mask is exported to {target}")

    def _accept(self) -> int:
        """Make the proposal part of the mask; its pixels."""
        self._session.window.action["accept"].trigger()
        self._wait_for(lambda: self._labelled() > 0, "the proposal was not accepted")
        return self._labelled()

    def _labelled(self) -> int:
        document = self._session.document
        labels = document.masks.labels(document.images.current_id or "")
        return int((labels != UNLABELLED).sum())

    def _is_answered(self) -> bool:
        document, image_id = self._session.document, self._session.document.images.current_id
        proposal = None if image_id is None else document.prompts.proposal(image_id)
        if image_id is None or proposal is None:
            return False
        return proposal.prompts == document.prompts.of(image_id) and not proposal.is_refining

    def _click(self, xy: tuple[float, float]) -> None:
        """Press and release the mouse there, as Qt tells the canvas of it."""
        canvas = self._session.window.canvas
        place = QPointF(canvas.camera.viewport.to_logical(xy))
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        steps = (
            (QEvent.Type.MouseMove, none, none),
            (QEvent.Type.MouseButtonPress, left, left),
            (QEvent.Type.MouseButtonRelease, left, none),
        )
        for kind, button, held in steps:
            no_key = Qt.KeyboardModifier.NoModifier
            event = QMouseEvent(kind, place, canvas.mapToGlobal(place), button, held, no_key)
            QCoreApplication.sendEvent(canvas, event)

    def _wait_for(self, is_so: Callable[[], bool], otherwise: str) -> None:
        """Let the window live until something is the case or an error is reported."""
        loop, timer, deadline = QEventLoop(), QTimer(), perf_counter() + self._patience

        def look() -> None:
            if is_so() or self._errors or perf_counter() > deadline:
                loop.quit()

        timer.setInterval(_LOOK_MS)
        timer.timeout.connect(look)
        timer.start()
        loop.exec()
        timer.stop()
        if self._errors:
            raise self._errors[0]
        if not is_so():
            raise LatentsegError(f"After {self._patience:g} s {otherwise}.")

    def _said(self, what: str) -> str:
        return f"{what} after {perf_counter() - self._begin:.1f} s"
