"""The training service: reports, results, files, pauses and cancellations; then in a real child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from latentseg_gui.document.masks.label_rows import labels_by_row
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.learning import LearningSettings
from latentseg_gui.document.training.runs import FineTuneProgress, FineTuneResult, TrainingSample
from latentseg_gui.document.types import Provenance
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import EncodeImage, LoadWeights, PredictClasses
from latentseg_gui.inference.service import TRAINING
from latentseg_gui.inference.training import training
from latentseg_gui.inference.training.messages import FineTune, PreviewCrops
from latentseg_gui.workers.lanes import ChildLane
from model.errors import ModelError, WeightsError
from model.training.orientation import rows_of
from model.weights.checkpoint import CheckpointMeta, load, save
from tests.e2e.nursery import workers_from_nursery
from tests.inference.faulty_service import PHASES, TARGET
from tests.leaks import is_alive, leak_check, wait_until
from tests.tiny import disks, tiny_network

__all__ = ["leak_check"]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


class Context:
    """A `JobContext` whose user does something when asked for the n-th time."""

    def __init__(self, cancel_after=None, messages=None):
        self.reports, self.asked = [], 0
        self.cancel_after, self.messages = cancel_after, messages or {}

    def report(self, progress):
        self.reports.append(progress)

    def is_cancelled(self):
        self.asked += 1
        return self.cancel_after is not None and self.asked > self.cancel_after

    def told(self):
        return self.messages.pop(self.asked, [])


@pytest.fixture
def request_(tmp_path):
    start = tmp_path / "start.safetensors"
    save(start, tiny_network(), CheckpointMeta(("background", "object"), (), {2: "rims"}, {"data": "none"}))
    image, labels = disks(0)
    return FineTune(
        weights=start,
        version="v2",
        samples=(TrainingSample("a", image, labels),),
        class_names=("background", "disk"),
        class_colours=("#000000", "#ffcc00"),
        output=tmp_path / "v2.safetensors",
        seconds=1.5,
    )


def test_a_run_reports_and_leaves_a_file_that_says_where_it_comes_from(request_):
    context = Context()
    result = training.fine_tune(request_, context)
    assert isinstance(result, FineTuneResult)
    assert (result.weights, result.version) == (request_.output, "v2")
    assert result.seconds >= 1.4
    assert context.reports
    assert all(isinstance(report, FineTuneProgress) for report in context.reports)
    assert context.reports[-1].phase == "done"
    network, meta = load(request_.output)
    assert network.config.num_classes == 2
    assert meta.class_names == ("background", "disk")
    assert meta.class_colours == ("#000000", "#ffcc00")
    assert meta.expert_names == {2: "rims"}
    assert meta.provenance["data"] == "none"
    (run,) = meta.provenance["fine_tuning"]
    assert (run["version"], run["images"], run["labelled_pixels"]) == ("v2", 1, 64 * 80)


def test_how_sure_weights_say_they_are_is_kept_with_them_and_followed(request_):
    training.fine_tune(request_, Context())
    network, meta = load(request_.output)
    assert meta.provenance["calibration"]["pixels"] > 0
    warm = {**meta.provenance, "calibration": {"temperature": 4.0}}
    save(request_.output, network, replace(meta, provenance=warm))
    answers = []
    for path in (request_.weights, request_.output):
        engine = Engine()
        if path == request_.weights:  # the same weights, as if nothing was fitted
            save(path, network, replace(meta, provenance={}))
        engine.handle(LoadWeights(path, "v", "cpu"))
        engine.handle(EncodeImage("a", request_.samples[0].pixels))
        answers.append(engine.handle(PredictClasses("a")))
    plain, calibrated = answers
    np.testing.assert_array_equal(plain.labels, calibrated.labels)
    assert (calibrated.confidence <= plain.confidence).all()
    assert (calibrated.confidence < plain.confidence).any()


def test_a_cancelled_run_writes_nothing(request_):
    assert training.fine_tune(request_, Context(cancel_after=3)) is None
    assert list(request_.output.parent.iterdir()) == [request_.weights]


def test_a_run_can_be_told_to_finish(request_):
    context = Context(messages={40: [training.FINISH]})
    result = training.fine_tune(replace(request_, seconds=600.0), context)
    assert result.seconds < 300
    assert request_.output.is_file()


def test_a_pause_stops_the_clock_and_can_be_cancelled(request_):
    context = Context(messages={4: [training.PAUSE]}, cancel_after=30)
    started = time.monotonic()
    assert training.fine_tune(replace(request_, seconds=600.0), context) is None
    assert time.monotonic() - started > 20 * training._PAUSE_POLL_S
    assert context.asked == 31


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (("background", "object"), ("background", "object"), (0, 1)),
        (("background", "cat", "dog"), ("background", "dog", "bird"), (0, 2, None)),
        (("background", "object"), ("background", "nucleus"), (None, None)),
        (("a", "a", "b", "c"), ("a", "b", "c"), (None, 2, 3)),
        ((), ("background", "object"), (None, None)),
    ],
)
def test_classes_go_on_from_those_of_the_same_name(before, after, kept):
    assert training.classes_kept(before, after) == kept


def test_failures_are_sentences(request_, tmp_path, monkeypatch):
    with pytest.raises(WeightsError):
        training.fine_tune(replace(request_, weights=tmp_path / "nowhere.safetensors"), Context())
    with pytest.raises(ModelError, match="nothing to learn"):
        training.fine_tune(replace(request_, samples=()), Context())
    with pytest.raises(TypeError):
        training.fine_tune("train, please", Context())


def test_a_full_disk_is_a_sentence_and_the_version_before_stays(request_, monkeypatch):
    """M-15: the file is replaced whole or not at all."""
    request_.output.write_bytes(b"the version before")

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ModelError, match="could not be written"):
        training.fine_tune(replace(request_, seconds=0.3), Context())
    assert request_.output.read_bytes() == b"the version before"


@pytest.fixture
def nursery():
    """Workers that need not import torch again after each of many deaths."""
    with workers_from_nursery():
        yield


class Ears:
    def __init__(self, lane):
        self.progress, self.endings = [], {}
        lane.job_progress.connect(self._on_progress)
        lane.job_finished.connect(self._on_end)
        lane.job_failed.connect(self._on_end)
        lane.job_cancelled.connect(self._on_cancelled)

    def _on_progress(self, job, progress):
        self.progress.append(progress)

    def _on_end(self, job, outcome):
        self.endings[job] = outcome

    def _on_cancelled(self, job):
        self.endings[job] = "cancelled"


def test_in_a_child_killed_cancelled_and_run_to_its_end(qapp, leak_check, request_):
    """M-07 and M-09 with the real service: one child, three ends."""
    lane = ChildLane(TRAINING, name="training", niceness=10, threads=1)
    ears = Ears(lane)

    def wait_for(condition, timeout_s=120.0):
        return wait_until(lambda: (qapp.processEvents(), condition())[1], timeout_s)

    long = replace(request_, seconds=600.0)
    killed = lane.submit(long, key="train")
    assert wait_for(lambda: any(report.step > 0 for report in ears.progress))
    at = time.monotonic()
    os.kill(lane.child_pid, signal.SIGKILL)
    assert wait_for(lambda: killed in ears.endings)
    assert time.monotonic() - at < 1
    assert "stopped (signal 9)" in ears.endings[killed].what
    assert not request_.output.exists()

    ears.progress.clear()
    cancelled = lane.submit(long, key="train")
    assert wait_for(lambda: any(report.step > 0 for report in ears.progress))
    pid, at = lane.child_pid, time.monotonic()
    lane.cancel(cancelled)
    assert lane.wait_idle(5000)
    assert time.monotonic() - at < 0.2
    assert ears.endings[cancelled] == "cancelled"

    finished = lane.submit(request_, key="train")
    assert lane.wait_idle(120_000)
    assert isinstance(ears.endings[finished], FineTuneResult), ears.endings[finished]
    assert request_.output.is_file()
    assert lane.child_pid == pid, "a cooperative cancellation must not cost the process"

    running = lane.submit(long, key="train")
    assert wait_for(lambda: ears.progress[-1].phase != "done")
    at = time.monotonic()
    assert lane.shutdown()
    assert time.monotonic() - at < 2
    assert not is_alive(pid)
    assert running not in ears.endings


def test_a_fault_in_any_phase_is_told_and_the_worker_goes_on(qapp, nursery, leak_check, request_):
    """M-08 and M-15: an error, then a killed worker, in each phase; what was there before is intact."""
    lane = ChildLane(TARGET, name="training", threads=1)
    ears = Ears(lane)
    request_.output.write_bytes(b"the version before")
    for how, words in (("raise", "broken on purpose"), ("kill", "stopped (signal 9)")):
        for phase in PHASES if how == "raise" else ("step", "save"):
            job = lane.submit(replace(request_, version=f"{how} in {phase}", seconds=0.5), key="train")
            assert lane.wait_idle(120_000)
            failure = ears.endings[job]
            assert words in failure.what + failure.detail, (how, phase, failure)
            assert failure.action
            assert request_.output.read_bytes() == b"the version before"
    job = lane.submit(request_, key="train")
    assert lane.wait_idle(120_000)
    assert isinstance(ears.endings[job], FineTuneResult), ears.endings[job]
    assert load(request_.output)[1].class_names == ("background", "disk")
    assert not [path for path in request_.output.parent.iterdir() if path.suffix not in (".safetensors",)]
    lane.shutdown()


def test_a_live_refit_shows_what_it_sees_before_its_weights_are_written(request_):
    told: list[tuple[object, bool]] = []

    class Listener(Context):
        def report(self, progress):
            told.append((progress, request_.output.exists()))

    trainer = training.Trainer()
    live = replace(request_, speed="live", seconds=0.5, shown="a")
    result = trainer.handle(live, Listener())
    shown = [(each, is_written) for each, is_written in told if isinstance(each, Prediction)]
    assert len(shown) == int(result.is_better)
    for prediction, is_written in shown:
        assert not is_written
        assert (prediction.image_id, prediction.version) == ("a", "v2")
        assert prediction.labels.shape == request_.samples[0].labels.shape
    request_.weights.unlink()  # what comes next starts from what is at hand
    again = replace(
        live, weights=request_.output, version="v3", output=request_.output.with_name("v3.safetensors")
    )
    assert isinstance(trainer.handle(again, Context()), FineTuneResult)


def test_settings_reach_the_job_and_the_weights_say_so(request_):
    settings = LearningSettings(loss="focal+lovasz", optimiser="sgd", parts="head", augmentation=0.0, seed=3)
    training.fine_tune(replace(request_, settings=settings), Context())
    (run,) = load(request_.output)[1].provenance["fine_tuning"]
    assert (run["loss"], run["optimiser"], run["parts"], run["seed"]) == ("focal+lovasz", "sgd", "head", 3)
    assert "held-out pixels" in run["validated_on"]


WINDOW = """
    import sys
    from pathlib import Path
    import numpy as np
    from PySide6.QtCore import QCoreApplication
    from latentseg_gui.document.training.runs import TrainingSample
    from latentseg_gui.inference.training.messages import FineTune, PreviewCrops
    from latentseg_gui.inference.service import TRAINING
    from latentseg_gui.workers.lanes import ChildLane

    def report(job, progress):
        if progress.step > 0:
            print("pid", lane.child_pid, "torch" in sys.modules, flush=True)

    if __name__ == "__main__":
        start, output, picture = map(Path, sys.argv[1:4])
        arrays = np.load(picture)
        application = QCoreApplication([])
        lane = ChildLane(TRAINING, name="training", niceness=10, threads=1)
        lane.job_progress.connect(report)
        samples = (TrainingSample("a", arrays["image"], arrays["labels"]),)
        lane.submit(FineTune(start, "v2", samples, ("background", "disk"), (), output, seconds=600.0))
        application.exec()
"""


def test_a_window_killed_while_training_leaves_no_orphan(request_, tmp_path):
    """M-11; and the window itself never loaded torch."""
    script, picture = tmp_path / "window.py", tmp_path / "picture.npz"
    script.write_text(textwrap.dedent(WINDOW))
    np.savez(picture, image=request_.samples[0].pixels, labels=request_.samples[0].labels)
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    arguments = [sys.executable, str(script), str(request_.weights), str(request_.output), str(picture)]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as window:
        assert window.stdout is not None
        line = next(line for line in window.stdout if line.startswith("pid"))
        _, pid, has_torch = line.split()
        assert has_torch == "False"
        assert is_alive(int(pid))
        window.kill()
        assert wait_until(lambda: not is_alive(int(pid)), 1.0)
    assert not request_.output.exists()


def test_the_foreground_of_the_shipped_weights_is_the_object_of_a_new_document() -> None:
    shipped = ("background", "foreground")
    assert training.classes_kept(shipped, ("background", "object", "cell")) == (0, 1, None)
    assert training.classes_kept(shipped, shipped) == (0, 1)


def scenes(count):
    """A sky (0) above a ground (1) that begins elsewhere in every image."""
    for seed in range(count):
        labels = np.ones((64, 64), np.uint8)
        labels[: np.random.default_rng(seed).integers(16, 48)] = 0
        yield TrainingSample(str(seed), np.zeros((64, 64, 3), np.uint8), labels)


@pytest.mark.parametrize("ticked", [4, 12])
def test_a_preview_turns_crops_only_where_learning_from_all_images_would(ticked):
    samples = tuple(scenes(ticked))
    rows = tuple(labels_by_row(sample.labels) for sample in samples)
    answer = training.preview(PreviewCrops(samples[:4], 2, rows, count=40))
    is_above = [bool((np.diff(labels.astype(int), axis=0) >= 0).all()) for _, labels in answer.crops]
    config = training.config_of(LearningSettings(), 2)
    job = training.finetune(tiny_network(), [training.labelled_image(sample) for sample in samples], config)
    assert all(is_above) == job._session.is_upright == (ticked == 12)


def test_window_and_library_count_labels_by_row_alike():
    labels = np.random.default_rng(0).integers(250, 256, (40, 30)).astype(np.uint8)
    assert np.array_equal(labels_by_row(labels), rows_of(labels))
    assert labels_by_row(labels).sum() == (labels != 255).sum()


def test_a_run_cancelled_after_its_last_step_writes_nothing(request_, monkeypatch):
    """Whoever cancels while the last report is on its way gets no version."""
    context, real = Context(), training._obey

    def obey(job, context):
        was_obeyed = real(job, context)
        if context.reports and context.reports[-1].phase == "done":
            raise AssertionError("asked after the end")
        return was_obeyed

    monkeypatch.setattr(training, "_obey", obey)
    monkeypatch.setattr(
        context, "is_cancelled", lambda: bool(context.reports) and context.reports[-1].phase == "done"
    )
    assert training.fine_tune(request_, context) is None
    assert not request_.output.exists()


def test_a_run_without_a_step_is_an_error_and_no_version(request_):
    with pytest.raises(ModelError, match="Nothing was learned"):
        training.fine_tune(replace(request_, seconds=1e-6), Context())
    finished = Context(messages={1: [training.FINISH]})
    with pytest.raises(ModelError, match="finished before it had learned"):
        training.fine_tune(replace(request_, seconds=600.0), finished)
    assert not request_.output.exists()


def test_the_rest_of_the_images_is_background_where_the_user_says_so(request_):
    (sample,) = request_.samples
    objects = np.where(sample.labels == 1, 1, 255).astype(np.uint8)
    accepted = np.where(objects == 1, 2, 0).astype(np.uint8)
    samples = (replace(sample, labels=objects, provenance=accepted),)
    result = training.fine_tune(
        replace(request_, samples=samples, seconds=4.0, is_rest_background=True), Context()
    )
    (run,) = load(request_.output)[1].provenance["fine_tuning"]
    assert run["rest_is_background"]
    assert run["labelled_pixels"] == sample.labels.size
    assert result.metric_after > 0.5
    assert (samples[0].labels == objects).all()


@pytest.mark.parametrize(("said_by", "left"), [(Provenance.PAINTED, 4), (Provenance.IMPORTED, 8)])
def test_background_is_not_declared_up_to_the_rim_of_a_stroke(said_by, left):
    pixels = np.full((40, 40, 3), 200, np.uint8)
    pixels[12:16] = 40
    labels = np.full((40, 40), 255, np.uint8)
    labels[10:18] = 1
    sample = TrainingSample("a", pixels, labels, np.full_like(labels, said_by), None)
    made = training.labelled_image(sample, is_rest_background=True)
    assert (made.labels == 1).sum() == left * 40
    assert (made.labels == 0).sum() == 32 * 40
    assert (training.labelled_image(sample).labels == labels).all(), "without rest, strokes stay as they are"
    assert (sample.labels[10:18] == 1).all()


@pytest.mark.parametrize("known", [{"a": 1}, 7, "none", [1, {"version": "v0"}]])
def test_whatever_weights_tell_of_earlier_runs_no_run_is_lost_at_its_end(request_, known):
    network, meta = load(request_.weights)
    save(request_.weights, network, replace(meta, provenance={"fine_tuning": known}))
    assert isinstance(
        training.fine_tune(replace(request_, seconds=0.5, speed="live"), Context()), FineTuneResult
    )
    runs = load(request_.output)[1].provenance["fine_tuning"]
    assert runs[:-1] == (known if isinstance(known, list) else [known])
    assert (runs[-1]["version"], runs[-1]["started_from"]) == ("v2", "start.safetensors")


def test_a_prediction_that_was_taken_over_is_no_measure(request_):
    (sample,) = request_.samples
    taken = (replace(sample, provenance=np.ones_like(sample.labels)),)
    result = training.fine_tune(replace(request_, samples=taken, speed="live", seconds=0.5), Context())
    assert np.isnan(result.metric_after)
    assert result.validated_on == ""
