"""Fine-tuning for the window: a message in, reports while it runs, a file of weights at the end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np

from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.learning import LearningSettings
from latentseg_gui.document.training.runs import FineTuneProgress, FineTuneResult, TrainingSample
from latentseg_gui.inference.request import JobContext
from latentseg_gui.inference.training.messages import FineTune, PreviewCrops, TrainingPreview
from model.training.calibrating import calibrated
from model.training.cross import FineTuningJob
from model.training.finetune import FeatureStore, FineTuneConfig, LabelledImage, Progress, finetune
from model.training.orientation import are_upright
from model.training.outcome import refuse_unlearned
from model.training.preview import preview_crops
from model.training.provenance import after_run, figures_on
from model.training.rest_as_background import Rims, with_rest_as_background
from model.training.timed import Steered
from model.training.types import object_numbers
from model.training.views import scarcity_of
from model.weights.catalogue import LATENT_EXPERT, StartingWeights, offer_of, refuse_other, start_of
from model.weights.checkpoint import CheckpointMeta, default_weights_path, save

PAUSE: Final = "pause"
RESUME: Final = "resume"
FINISH: Final = "finish"
"""What a running job can be told: hold the clock, go on, end now with the best so far."""

_SAME_AS: Final = {"foreground": "object"}
"""What the shipped weights call the class that a new document calls "object"."""

REPORT_EVERY_S: Final = 0.1
_PAUSE_POLL_S: Final = 0.05


class Trainer:
    """Answers `FineTune`, and keeps from one what saves time in the next."""

    def __init__(self) -> None:
        self._store = FeatureStore()
        self._rims = Rims()
        self._last: tuple[Path, StartingWeights] | None = None

    def handle(self, request: object, context: JobContext) -> object:
        """The answer to a `FineTune`."""
        if not isinstance(request, FineTune):
            raise TypeError(f"the training worker does not know {type(request).__name__}")
        return self._fine_tune(request, context)

    def _fine_tune(self, request: FineTune, context: JobContext) -> FineTuneResult | None:
        start = self._start_of(request)
        network, meta = start.network, start.meta
        kept = classes_kept(meta.class_names, request.class_names)
        samples = [
            labelled_image(each, is_rest_background=request.is_rest_background, rims=self._rims)
            for each in request.samples
        ]
        config = config_of(request.settings, len(request.class_names))
        config = replace(
            config, seconds=request.seconds, speed=request.speed, classes_kept=kept, shown=request.shown
        )
        job = finetune(network, samples, config, self._store)
        if not follow(job, context):
            return None
        refuse_unlearned(job)
        _show(request, job, context)
        validated_on = figures_on(job, meta.provenance, samples, request.class_names)
        details = _details(request, job, start, samples, config, validated_on)
        _sweep(request.output)
        save(request.output, job.network, details)
        self._last = (request.output, StartingWeights(job.network, details, request.output.name))
        return FineTuneResult(
            weights=request.output,
            version=request.version,
            metric_before=job.metric_before,
            metric_after=job.metric_after,
            is_better=job.is_better,
            seconds=job.seconds,
            # Refits come with every stroke: what they leave out would be said with every stroke.
            note=" ".join(filter(None, (job.note, *(() if request.speed == "live" else job.remarks)))),
            validated_on=validated_on,
            network="" if (offer := offer_of(job.network)).name == LATENT_EXPERT else offer.title,
        )

    def _start_of(self, request: FineTune) -> StartingWeights:
        """The weights to start from; those that were made last are still at hand."""
        path = request.weights
        if path is None and request.network in ("", LATENT_EXPERT):
            path = default_weights_path()
        if self._last is not None and self._last[0] == path:
            if request.network:
                refuse_other(self._last[1].network, request.network, self._last[1].name)
            return self._last[1]
        start = start_of(request.network, request.weights, seed=request.settings.seed)
        if request.weights is None and path is not None:  # the shipped file does not change; another might
            self._last = (path, start)
        return start


def fine_tune(request: object, context: JobContext) -> object:
    """Answer one `FineTune`: `FineTuneProgress` by way of ``context``, then a `FineTuneResult`.

    Nothing is written where the job was cancelled. The file of weights is written whole or not at all.
    """
    return Trainer().handle(request, context)


def preview(request: PreviewCrops) -> TrainingPreview:
    """Augmented crops of the samples, as training sees them."""
    samples = [labelled_image(sample) for sample in request.samples]
    config = config_of(request.settings, request.num_classes)
    is_upright, scarcity = are_upright(request.rows), scarcity_of(len(request.rows))
    crops = preview_crops(samples, config, request.count, scarcity=scarcity, is_upright=is_upright)
    return TrainingPreview(tuple(crops))


def classes_kept(before: Sequence[str], after: Sequence[str]) -> tuple[int | None, ...]:
    """Per class afterwards, the class before of the same name.

    All are new unless at least two are the same: a class is only known in contrast to another.
    """
    known = [_SAME_AS.get(name, name) for name in before]
    wanted = [_SAME_AS.get(name, name) for name in after]
    kept = tuple(known.index(name) if known.count(name) == 1 else None for name in wanted)
    return kept if sum(index is not None for index in kept) > 1 else (None,) * len(after)


def labelled_image(
    sample: TrainingSample, *, is_rest_background: bool = False, rims: Rims | None = None
) -> LabelledImage:
    """The snapshot as the model library takes it.

    Args:
        sample: of the window.
        is_rest_background: whether what nobody labelled becomes background (`with_rest_as_background`).
        rims: remembers what was found for that.
    """
    objects = object_numbers(sample.instances)
    image = LabelledImage(sample.pixels, sample.labels, sample.image_id, sample.provenance, objects)
    return with_rest_as_background(image, rims) if is_rest_background else image


def config_of(settings: LearningSettings, num_classes: int) -> FineTuneConfig:
    """The settings of the window as the model library takes them."""
    return FineTuneConfig(num_classes=num_classes, **asdict(settings))


def follow(job: Steered, context: JobContext) -> bool:
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


def _obey(job: Steered, context: JobContext) -> bool:
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
        done=progress.done,
        total=progress.total,
    )


def _show(request: FineTune, job: FineTuningJob, context: JobContext) -> None:
    """Say at once what the new weights see in the image that is looked at, where they will be used."""
    if job.shown is None or not job.is_better:
        return
    confidence = np.rint(job.shown.confidence * 255).astype(np.uint8)
    shown = Prediction(request.shown, request.version, job.shown.labels, confidence, depth=job.shown.depth)
    context.report(shown)


def _details(
    request: FineTune,
    job: FineTuningJob,
    start: StartingWeights,
    samples: Sequence[LabelledImage],
    config: FineTuneConfig,
    words: str,
) -> CheckpointMeta:
    more: dict[str, object] = {"version": request.version}
    more["started_from"] = start.name
    if request.is_rest_background:
        more["rest_is_background"] = True
    provenance = after_run(start.meta.provenance, job, samples, config, words, **more)
    provenance |= calibrated(job, samples, config)
    return CheckpointMeta(
        request.class_names,
        request.class_colours,
        start.meta.expert_names,
        provenance,
        smallest=request.smallest,
    )


def _sweep(target: Path) -> None:
    """Remove what a worker that was killed while it wrote ``target`` has left behind."""
    for part in target.parent.glob(f".{target.name}-*.part"):
        part.unlink(missing_ok=True)
