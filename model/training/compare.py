"""Which network suits these images: several learn for the same time and are measured on the same pixels.

    comparison = Comparison(("latent-expert", "unet"), samples, config)
    for report in comparison: ...
    for row in comparison.rows: ...

No network sees the pixels that all are measured with, neither in learning nor in choosing among its own weights:
they are held back before it begins, and what it has at the end of its time is what counts. How sure its weights say
that they are is fitted on these pixels afterwards, as after any fine-tuning (`model.training.calibrating`); that
changes no class, and so nothing of what is compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from model.analysis.metrics import confusion_matrix, iou_per_class, mean_iou
from model.errors import ModelError
from model.prediction.predictor import Predictor
from model.training.calibrating import calibrated
from model.training.coverage import divided
from model.training.cross import describe
from model.training.finetune import finetune
from model.training.outcome import refuse_unlearned
from model.training.provenance import after_run
from model.training.types import IGNORED, FineTuneConfig, LabelledImage, Progress, checked_samples
from model.weights.catalogue import Offer, count_parameters, offer_named, start_of

NAN: Final = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """How one network did.

    Attributes:
        offer: which.
        mean_iou: on the held-out pixels; NaN where it did not come to that.
        per_class: IoU by class id; NaN for classes that are not labelled there.
        seconds: that it learned.
        steps: that it made.
        parameters: of it.
        note: what went wrong, in words; "" where nothing did.
        network: that has learned; None where it has not.
        provenance: of its weights.
    """

    offer: Offer
    mean_iou: float = NAN
    per_class: tuple[float, ...] = ()
    seconds: float = 0.0
    steps: int = 0
    parameters: int = 0
    note: str = ""
    network: nn.Module | None = None
    provenance: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Where a comparison stands.

    Attributes:
        offer: the network that learns.
        number: of it, from 1.
        count: of all.
        progress: of its learning; None while it is measured.
    """

    offer: Offer
    number: int
    count: int
    progress: Progress | None = None


class Comparison:
    """Networks learn one after the other; iterate to let them. It can be left between any two items.

    Args:
        names: of the networks (`model.weights.catalogue.OFFERS`), in order.
        samples: images with labels.
        config: of every run; ``seconds`` is the time for each network, and ``held_out`` the share to measure with.

    Attributes:
        rows: of the networks that are done.
        measured_on: on what, in words.

    Raises:
        ModelError: there is no such network, or it cannot learn here; nothing can be held back to measure with.
    """

    def __init__(
        self, names: Sequence[str], samples: Sequence[LabelledImage], config: FineTuneConfig
    ) -> None:
        self._offers = [offer_named(name) for name in dict.fromkeys(names)]
        for offer in self._offers:
            if not offer.is_trainable:
                raise ModelError(f"{offer.title}: {offer.limits}", action="Leave it out.")
        if not self._offers:
            raise ModelError("There is no network to compare.", action="Name at least one.")
        self._samples = checked_samples(samples, config)
        self._measuring = replace(config, validation="held-out")
        self._config = replace(config, held_out=0.0, validation="held-out", speed=_speed(config))
        division = divided(self._samples, config)
        if division.num_held == 0:
            raise ModelError(
                "So little is labelled that nothing can be held back to measure with.",
                action="Label more, in several places of the images.",
            )
        self._truths = [
            np.where(where, each.by_hand, np.uint8(IGNORED)).astype(np.uint8)
            for each, where in zip(self._samples, division.held, strict=True)
        ]
        self._lessons = [
            replace(each, labels=np.where(where, np.uint8(IGNORED), each.labels).astype(np.uint8))
            for each, where in zip(self._samples, division.held, strict=True)
        ]
        self.measured_on = describe(division.num_held, division.num_held)
        self.rows: list[Row] = []

    def __iter__(self) -> Iterator[Report]:
        for number, offer in enumerate(self._offers, start=1):
            report = Report(offer, number, len(self._offers))
            try:
                yield from self._one(report)
            except ModelError as error:  # one that fails does not stop the others
                self.rows.append(Row(offer, note=f"{error.what} {error.action}"))

    def _one(self, report: Report) -> Iterator[Report]:
        start = start_of(report.offer.name, None, seed=self._config.seed)
        kept = (None,) * self._config.num_classes if start.is_fresh else ()
        config = replace(self._config, classes_kept=kept)
        job = finetune(start.network, self._lessons, config)
        for progress in job:
            yield replace(report, progress=progress)
        refuse_unlearned(job)
        yield report
        confusion = self._confusion(job.network)
        score = mean_iou(confusion)
        words = f"{self.measured_on}, which it did not learn from: mean IoU {score:.4f}"
        self.rows.append(
            Row(
                report.offer,
                mean_iou=score,
                per_class=tuple(iou_per_class(confusion).tolist()),
                seconds=job.seconds,
                steps=job.step,
                parameters=count_parameters(job.network),
                note=job.note,
                network=job.network,
                provenance=after_run(
                    start.meta.provenance, job, self._lessons, config, words, started_from=start.name
                )
                | calibrated(job, self._samples, self._measuring),
            )
        )

    def _confusion(self, network: nn.Module) -> NDArray[np.int64]:
        """Pixel counts [C, C] on what was held back."""
        predictor = Predictor(network, self._config.device)
        total = np.zeros((self._config.num_classes,) * 2, np.int64)
        for sample, truth in zip(self._samples, self._truths, strict=True):
            if bool((truth != IGNORED).any()):
                predictor.set_image(sample.image, for_clicks=False)
                labels = predictor.predict_classes().labels
                total += confusion_matrix(truth, labels, self._config.num_classes)
        return total


def best_of(rows: Sequence[Row]) -> Row | None:
    """The row with the highest mean IoU; None where none has one."""
    measured = [row for row in rows if not math.isnan(row.mean_iou)]
    return max(measured, key=lambda row: row.mean_iou) if measured else None


def _speed(config: FineTuneConfig) -> str:
    """How the latent-expert network learns in that time."""
    if config.speed == "live":
        raise ModelError("Networks cannot be compared live.", action="Use the speed quick or thorough.")
    return config.speed
