"""The self-test of the device menu: what `latentseg doctor` finds, in a window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QProcess, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from latentseg_gui.app.reporting import Reporter
from latentseg_gui.controllers.jobs import JobSource
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.workers.program import own_command

_NAME = "self-test"
_END_MS = 1000


class SelfTest(JobSource):
    """Runs `latentseg doctor` in a process of its own and shows its report.

    Args:
        window: what the report belongs to.
        device: the device that is to be tried.
        reporter: hears that the process could not be started.
        parent: owner.
    """

    def __init__(
        self, window: QWidget, device: Callable[[], str], reporter: Reporter, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._window = window
        self._device = device
        self._reporter = reporter
        self._process: QProcess | None = None

    @property
    def is_running(self) -> bool:
        """Whether the report is still to come."""
        return self._process is not None

    def run(self) -> None:
        """Starts the test; one that runs already goes on."""
        if self._process is not None:
            return
        process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process = process
        self.began.emit(_NAME, self.tr("Self-test"))
        program, *arguments = own_command("doctor", "--device", self._device())
        process.start(program, arguments)

    def cancel_named(self, full_name: str) -> None:
        """Ends the test; other names are not ours."""
        if full_name == _NAME:
            self.stop()

    def stop(self) -> None:
        """Ends the test without a report."""
        process = self._end()
        if process is not None:
            process.kill()
            process.waitForFinished(_END_MS)

    def _end(self) -> QProcess | None:
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect(self._on_finished)
            process.errorOccurred.disconnect(self._on_error)
            process.deleteLater()
            self.ended.emit(_NAME)
        return process

    def _on_finished(self) -> None:
        process = self._end()
        if process is not None:
            text = bytes(process.readAllStandardOutput().data()).decode(errors="replace")
            _Report(self.tr("Self-test"), text.strip(), self._window).open()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        process = self._end()
        if process is not None:
            what = self.tr("The self-test could not be run: {0}.").format(process.errorString())
            action = self.tr("Type “latentseg doctor” in a terminal instead.")
            self._reporter.report(LatentsegError(what, action=action))


class _Report(QDialog):
    """Plain text that can be read and copied."""

    def __init__(self, title: str, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self._text = QPlainTextEdit(text)
        self._text.setReadOnly(True)
        self._text.setProperty("role", "plain")
        self._text.setAccessibleName(title)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(self.tr("Copy"), QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self._on_copy_clicked)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self._text, 1)
        column.addWidget(buttons)
        metrics = self._text.fontMetrics()
        self.resize(min(90 * metrics.averageCharWidth(), 900), min(28 * metrics.height(), 560))

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._text.toPlainText())
