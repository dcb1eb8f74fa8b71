"""How much time to spend; start, pause, finish and cancel; and how the run goes."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.document.training.learning import LATENT_EXPERT, SPEEDS, seconds_for
from latentseg_gui.document.training.runs import FineTuneProgress, FineTuneResult
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.training.plots import ProgressPlot
from latentseg_gui.panels.widgets import Segments, SliderField, text_label


class RunSection(QWidget):
    """Speed, seconds, Start, Pause, Finish, Cancel, progress, curves, outcome.

    Signals:
        start_pressed, cancel_pressed, finish_pressed.
        pause_requested: whether to hold the run.
        live_requested: whether to refit after each accepted correction.
        changed: the user chose another speed or time.
    """

    start_pressed = Signal()
    cancel_pressed = Signal()
    finish_pressed = Signal()
    pause_requested = Signal(bool)
    live_requested = Signal(bool)
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._speed = Segments(
            self.tr("Speed"),
            (
                (
                    "live",
                    self.tr("Live"),
                    self.tr("Refits the head on what is known of the images, in less than a second"),
                ),
                ("quick", self.tr("Quick"), self.tr("Trains experts and head, 10 to 60 seconds")),
                ("thorough", self.tr("Thorough"), self.tr("Minutes; the encoder learns too")),
            ),
        )
        self._seconds = SliderField(self.tr("Time"), (1, 300), suffix=" s", field_maximum=7200)
        self._live = QCheckBox(self.tr("Refit after each correction"))
        self._live.setToolTip(self.tr("After each correction the head is refitted, and the overlay follows"))
        follow_key(self._live, "live")
        self._start = QPushButton(self.tr("Start"))
        self._start.setProperty("isPrimary", True)
        self._start.setToolTip(self.tr("Fine-tune on the ticked images"))
        follow_key(self._start, "finetune")
        self._pause = QPushButton(self.tr("Pause"))
        self._pause.setCheckable(True)
        self._pause.setToolTip(self.tr("Pause the run; its clock pauses too"))
        follow_key(self._pause, "pause_training")
        self._finish = QPushButton(self.tr("Finish"))
        self._finish.setToolTip(self.tr("End the run with the best weights so far"))
        self._cancel = QPushButton(self.tr("Cancel"))
        self._cancel.setToolTip(self.tr("End the run and discard its weights"))
        self._last: FineTuneProgress | None = None
        self._network = LATENT_EXPERT
        self._is_running = False
        self._hint = text_label("", "hint")
        self._waits_for = text_label("", "hint")
        self._progress = QProgressBar(self)
        self._progress.setRange(0, 1000)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName(self.tr("Training progress"))
        self._status = text_label("", "muted")
        self._outcome = text_label("")
        self._loss = ProgressPlot(self.tr("Loss"))
        self._metric = ProgressPlot(self.tr("Held-out mean IoU"), has_symbols=True)
        self._metric.set_value_range(0.0, 1.0)
        self._build()
        self._speed.set_value("quick")
        self._seconds.set_value(round(SPEEDS["quick"].seconds))
        self._connect()
        self.set_running(False)

    def _build(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self._start, 1)
        buttons.setSpacing(6)
        for button in (self._pause, self._finish, self._cancel):
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(button.text()) + 16)
            buttons.addWidget(button, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(7)
        whole.addWidget(self._speed)
        whole.addWidget(self._seconds)
        whole.addLayout(buttons)
        for told in (self._hint, self._waits_for, self._progress, self._status, self._outcome):
            whole.addWidget(told)
            told.hide()
        whole.addWidget(self._live)
        for plot in (self._loss, self._metric):
            whole.addWidget(plot)
            plot.hide()

    def _connect(self) -> None:
        self._speed.chosen.connect(self._on_speed_chosen)
        self._seconds.changed.connect(self.changed)
        self._live.clicked.connect(self.live_requested)
        self._start.clicked.connect(self.start_pressed)
        self._cancel.clicked.connect(self.cancel_pressed)
        self._finish.clicked.connect(self.finish_pressed)
        self._pause.clicked.connect(self.pause_requested)

    @property
    def speed(self) -> str:
        """The chosen speed: "live", "quick" or "thorough"; "quick" for networks that have no speeds."""
        return self._speed.value if self._has_speeds else "quick"

    @property
    def _has_speeds(self) -> bool:
        return self._network == LATENT_EXPERT

    def set_network(self, name: str) -> None:
        """Another network learns: of the others all weights do, and they take their time."""
        if name == self._network or not name:
            return
        self._network = name
        self._speed.setEnabled(self._has_speeds and not self._progress.isVisibleTo(self))
        self._seconds.set_value(round(seconds_for(name, self.speed)))

    @property
    def seconds(self) -> int:
        """The time budget."""
        return self._seconds.value

    def set_speed(self, speed: str, seconds: int) -> None:
        """Shows a speed and a budget."""
        self._speed.set_value(speed)
        self._seconds.set_value(seconds)

    def take_typed(self) -> None:
        """Takes a time that was typed and not confirmed yet."""
        self._seconds.take_typed()

    def set_live(self, is_on: bool) -> None:
        """Shows whether each correction refits."""
        self._live.setChecked(is_on)

    def set_can_start(self, can_start: bool, reason: str) -> None:
        """Enables Start, or says why not."""
        self._start.setEnabled(can_start)
        self._hint.setText(reason)
        self._hint.setVisible(bool(reason) and not can_start)

    def set_running(self, is_running: bool) -> None:
        """Switches between Start and Cancel."""
        self._is_running = is_running
        self._show_buttons()
        for button in (self._pause, self._finish):
            button.setVisible(is_running)
        self._progress.setVisible(is_running)
        self._status.setVisible(is_running)
        self._speed.setEnabled(not is_running and self._has_speeds)
        self._seconds.setEnabled(not is_running)
        self._last = None
        if is_running:
            self.set_paused(False)
            self._loss.clear()
            self._metric.clear()
            self._progress.setValue(0)
            self._outcome.hide()
            self._status.setText(self.tr("Starting..."))
            self._loss.show()
            self._metric.show()
        else:  # a run that was cancelled at once has nothing to show
            for plot in (self._loss, self._metric):
                plot.setVisible(not plot.is_empty)

    def set_waiting(self, for_what: str) -> None:
        """Shows what the run that was asked for waits for, with Cancel in the place of Start; "" where none waits."""
        self._waits_for.setText(for_what)
        self._waits_for.setVisible(bool(for_what))
        self._show_buttons()

    def _show_buttons(self) -> None:
        can_be_cancelled = self._is_running or bool(self._waits_for.text())
        self._start.setVisible(not can_be_cancelled)
        self._cancel.setVisible(can_be_cancelled)

    def set_paused(self, is_paused: bool) -> None:
        """Shows whether the run holds still."""
        self._pause.setChecked(is_paused)
        self._pause.setText(self.tr("Go on") if is_paused else self.tr("Pause"))
        if is_paused:
            self._status.setText(self.tr("Paused; the clock is stopped."))
        elif self._last is not None:
            self._status.setText(self._status_of(self._last))

    def add_progress(self, progress: FineTuneProgress) -> None:
        """Shows one report."""
        self._progress.setValue(round(min(max(progress.fraction, 0.0), 1.0) * 1000))
        self._loss.add(progress.seconds, progress.loss)
        self._metric.add(progress.seconds, progress.metric)
        self._last = progress
        if not self._pause.isChecked():
            self._status.setText(self._status_of(progress))

    def _status_of(self, progress: FineTuneProgress) -> str:
        left = ""
        if progress.fraction > 0.02:
            seconds = progress.seconds * (1 - progress.fraction) / progress.fraction
            left = self.tr("about {0} left").format(_duration(seconds))
        step = self.tr("step {0}").format(progress.step)
        return " · ".join(part for part in (progress.phase, step, left) if part)

    def set_outcome(self, result: FineTuneResult | None) -> None:
        """Shows before and after, or nothing."""
        self._outcome.setVisible(result is not None)
        if result is None:
            return
        lines = [self._figures(result)]
        if result.is_better and result.metric_after <= result.metric_before:
            words = self.tr(
                "So few pixels cannot tell them apart: {0}, which has learned from more, is in use now."
            )
            lines.append(words.format(result.version))
        elif result.is_better:
            lines.append(self.tr("{0} is in use now.").format(result.version))
        elif result.metric_after < result.metric_before:
            words = self.tr("Worse, so the weights in use stay. {0} is on the list below; “Use” takes it.")
            lines.append(words.format(result.version))
        else:
            words = self.tr(
                "Not better, so the weights in use stay. {0} is on the list below; “Use” takes it."
            )
            lines.append(words.format(result.version))
        if result.note:
            lines.append(result.note)
        self._outcome.setText("\n".join(lines))

    def _figures(self, result: FineTuneResult) -> str:
        if math.isnan(result.metric_after):
            return self.tr(
                "Too few labels made by hand to hold some back and measure. Compare with the version before: "
                "the list of versions is below."
            )
        words = self.tr("Mean IoU: {0} before, {1} after.")
        if math.isnan(result.metric_before):
            words = self.tr(
                "Mean IoU: {1}. The weights in use before know other classes, so there is nothing to compare with."
            )
        measured = words.format(_figure(result.metric_before), _figure(result.metric_after))
        on = self.tr(" Measured on {0}.").format(result.validated_on) if result.validated_on else ""
        return measured + on

    def _on_speed_chosen(self, speed: str) -> None:
        self._seconds.set_value(round(SPEEDS[speed].seconds))
        self.changed.emit()


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60:02d} s"


def _figure(metric: float) -> str:
    return "?" if math.isnan(metric) else f"{metric:.3f}"
