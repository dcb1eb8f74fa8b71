"""The running jobs, in the status bar."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from latentseg_gui.controllers.jobs import JobSource
from latentseg_gui.panels.feedback import JobsIndicator


class JobBar(QObject):
    """Shows every job that has a title, with its progress and a way to cancel it."""

    def __init__(self, indicator: JobsIndicator, sources: Sequence[JobSource], parent: QObject) -> None:
        super().__init__(parent)
        self._indicator = indicator
        self._titles: dict[str, str] = {}
        for jobs in sources:
            jobs.began.connect(self._on_job_began)
            jobs.progressed.connect(self._on_job_progressed)
            jobs.ended.connect(indicator.finish_job)
            indicator.cancel_requested.connect(jobs.cancel_named)

    def _on_job_began(self, name: str, title: str) -> None:
        self._titles[name] = title
        self._indicator.set_job(name, title)

    def _on_job_progressed(self, name: str, fraction: float) -> None:
        self._indicator.set_job(name, self._titles.get(name, ""), fraction)
