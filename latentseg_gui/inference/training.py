"""Fine-tuning for the window: a message in, reports while it runs, a file of weights at the end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from typing import Final

from latentseg_gui.document.types import UNLABELLED, FineTuneProgress, FineTuneResult, TrainingSample
from latentseg_gui.inference.messages import FineTune
from latentseg_gui.inference.service import JobContext
from model.checkpoint import CheckpointMeta, default_weights_path, load, save
from model.errors import ModelError
from model.finetune import FeatureStore, FineTuneConfig, FineTuning, LabelledImage, Progress, finetune
from model.network import LatentExpertNetwork

PAUSE: Final = "pause"
RESUME: Final = "resume"
FINISH: Final = "finish"
"""What a running job can be told: hold the clock, go on, end now with the best so far."""

_SAME_AS: Final = {"foreground": "object"}
"""What the shipped weights call the class that a new document calls "object"."""

REPORT_EVERY_S: Final = 0.1
_PAUSE_POLL_S: Final = 0.05


def fine_tune(request: object, context: JobContext, store: FeatureStore | None = None) -> object:
    """Answer a `FineTune`: `FineTuneProgress` by way of ``context``, then a `FineTuneResult`.

    Nothing is written where the job was cancelled. The file of weights is written whole or not at all.
    """
    if not isinstance(request, FineTune):
        raise TypeError(f"the training worker does not know {type(request).__name__}")
    path = request.weights if request.weights is not None else default_weights_path()
    network, meta = load(path)
    if not isinstance(network, LatentExpertNetwork):
        raise ModelError(
            "These weights belong to a network that cannot be fine-tuned here.",
            action="Start from the shipped weights or from a version made of them.",
        )
    kept = classes_kept(meta.class_names, request.class_names)
    job = finetune(network, [_labelled(s) for s in request.samples], _config(request, kept), store)
    if not _work(job, context):
        return None
    _save(request, job, meta)
    return FineTuneResult(
        weights=request.output,
        version=request.version,
        metric_before=job.metric_before,
        metric_after=job.metric_after,
        is_better=job.is_better,
        seconds=job.seconds,
        note=job.note,
    )


def classes_kept(before: Sequence[str], after: Sequence[str]) -> tuple[int | None, ...]:
    """Per class afterwards, the class before of the same name.

    All are new unless at least two are the same: a class is only known in contrast to another.
    """
    known = [_SAME_AS.get(name, name) for name in before]
    wanted = [_SAME_AS.get(name, name) for name in after]
    kept = tuple(known.index(name) if known.count(name) == 1 else None for name in wanted)
    return kept if sum(index is not None for index in kept) > 1 else (None,) * len(after)


def _labelled(sample: TrainingSample) -> LabelledImage:
    return LabelledImage(sample.pixels, sample.labels, sample.image_id)


def _config(request: FineTune, kept: tuple[int | None, ...]) -> FineTuneConfig:
    return FineTuneConfig(
        num_classes=len(request.class_names),
        seconds=request.seconds,
        speed=request.speed,
        learning_rate=request.learning_rate,
        classes_kept=kept,
        seed=request.seed,
    )


def _work(job: FineTuning, context: JobContext) -> bool:
    """Run the job to its end, reporting; False if it was cancelled."""
    reported = -math.inf
    for progress in job:
        if not _obey(job, context):
            return False
        now = time.monotonic()
        if now - reported >= REPORT_EVERY_S or not math.isnan(progress.metric):
            context.report(_report(progress))
            reported = now
    return not context.is_cancelled()


def _obey(job: FineTuning, context: JobContext) -> bool:
    """Do what the window has told; waits while paused. False once the job is cancelled."""
    is_paused, pause = False, threading.Event()
    while True:
        for message in context.told():
            if message == FINISH:
                job.finish()
            is_paused = message == PAUSE or (is_paused and message not in (RESUME, FINISH))
        if context.is_cancelled():
            return False
        if not is_paused:
            job.resume()
            return True
        job.pause()
        pause.wait(_PAUSE_POLL_S)


def _report(progress: Progress) -> FineTuneProgress:
    return FineTuneProgress(
        step=progress.step,
        fraction=progress.fraction,
        loss=progress.loss,
        metric=progress.metric,
        seconds=progress.seconds,
        phase=progress.phase,
    )


def _save(request: FineTune, job: FineTuning, meta: CheckpointMeta) -> None:
    labelled = sum(int((sample.labels != UNLABELLED).sum()) for sample in request.samples)
    run = {
        "version": request.version,
        "images": len(request.samples),
        "labelled_pixels": labelled,
        "seconds": round(job.seconds, 2),
        "speed": request.speed,
        "metric_before": _number(job.metric_before),
        "metric_after": _number(job.metric_after),
    }
    history = meta.provenance.get("fine_tuning", [])
    provenance = {**meta.provenance, "fine_tuning": [*history, run]}
    details = CheckpointMeta(request.class_names, request.class_colours, meta.expert_names, provenance)
    save(request.output, job.network, details)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
