"""`latentseg finetune`: better weights from a few images with masks."""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.layers import looked_up
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.headless.common import (
    Failures,
    classes_of,
    model_errors,
)
from latentseg_gui.headless.finetune_options import add_arguments
from latentseg_gui.headless.masks import MaskReader, Pair, pair_with_masks
from latentseg_gui.headless.naming import UNNAMED, settled, words_for
from latentseg_gui.io.images import read_image
from latentseg_gui.io.storage import atomic_write, make_folder, remove_file

if TYPE_CHECKING:
    from model.checkpoint import CheckpointMeta
    from model.finetune import FineTuneConfig, LabelledImage, Progress
    from model.finetuning.cross import Job
    from model.network import LatentExpertNetwork

__all__ = ["add_arguments", "run"]

REPORT_EVERY = 2.0


def run(options: argparse.Namespace) -> int:
    """Fine-tune and save; 1 if some images could not be used."""
    if not 0 < options.seconds < math.inf:
        raise LatentsegError("--seconds must be more than 0.", action="30 is a good start.")
    check_output(options.output)
    pairs = pair_with_masks(options.images, options.masks)
    from model.finetuning.team import team_of_torchrun

    with model_errors(), team_of_torchrun(options.device) as (team, device):
        return _run(options, pairs, device, is_first=team.rank == 0)


def check_output(path: Path) -> None:
    """Raise LatentsegError where weights cannot be written: better now than when they have been learned."""
    if path.suffix != ".safetensors":
        raise LatentsegError(
            f"“{path.name}” does not end in .safetensors.",
            action=f"Try -o {path.with_suffix('.safetensors')}",
        )
    if path.is_dir():
        raise LatentsegError(f"“{path}” is a folder.", action="Name a file with -o.")
    folder = path.resolve().parent
    make_folder(folder)
    probe = folder / f".{path.name}-{os.getpid()}.probe"
    atomic_write(probe, b"")
    remove_file(probe)


def refuse_one_class(samples: Sequence[LabelledImage], classes: ClassTable) -> None:
    """Raise LatentsegError where masks know one class only: any network is right about such masks."""
    present = sorted({int(value) for sample in samples for value in np.unique(sample.labels)} - {UNLABELLED})
    if len(present) == 1:
        name = classes.names[present[0]]
        raise LatentsegError(
            f"All labelled pixels are “{name}”; there is nothing to tell it from.",
            action="Label some pixels of another class too, such as background; 255 is not learned.",
        )


def _run(options: argparse.Namespace, pairs: list[Pair], device: str, *, is_first: bool) -> int:
    """The work of one process; the first one speaks and saves."""
    from model.checkpoint import default_weights_path, load
    from model.finetune import finetune

    network, meta = load(options.weights or default_weights_path())
    learner = _learner(network)
    failures = Failures()
    samples, classes = read_samples(pairs, _first_classes(options, meta, learner), failures)
    refuse_one_class(samples, classes)
    if is_first:
        print(words_for(classes))
    config = _config(options, len(classes), device)
    job, started = finetune(learner, samples, config), time.monotonic()
    _follow(job, is_silent=not is_first)
    if not is_first:
        return 0
    from model.finetuning.record import validation_words

    print(verdict(job, validation_words(job.validated_on, meta.provenance, samples, job.held_cells)))
    _save(options, classes, meta, samples, config, job, time.monotonic() - started)
    print(f"weights written to {options.output}")
    return failures.exit_code()


def _config(options: argparse.Namespace, num_classes: int, device: str) -> FineTuneConfig:
    from model.finetune import FineTuneConfig

    return FineTuneConfig(
        num_classes=num_classes,
        seconds=options.seconds,
        speed=options.speed,
        learning_rate=options.learning_rate,
        loss=options.loss,
        optimiser=options.optimiser,
        parts=options.parts,
        validation=options.validation,
        augmentation=options.augmentation,
        seed=options.seed,
        device=device,
    )


def _save(
    options: argparse.Namespace,
    classes: ClassTable,
    meta: CheckpointMeta,
    samples: list[LabelledImage],
    config: FineTuneConfig,
    job: Job,
    seconds: float,
) -> None:
    from model.checkpoint import CheckpointMeta, save

    details = CheckpointMeta(
        class_names=tuple(entry.name for entry in classes),
        class_colours=tuple(entry.colour for entry in classes),
        expert_names=meta.expert_names,
        provenance=_provenance(options, meta, samples, config, job, seconds),
    )
    save(options.output, job.network, details)


def read_samples(
    pairs: list[Pair], classes: ClassTable | None, failures: Failures
) -> tuple[list[LabelledImage], ClassTable]:
    """The images that can be read with their labels, and the classes.

    Args:
        pairs: what to read.
        classes: that there are before any mask is read; None where the masks alone decide.
        failures: collects what cannot be read.
    """
    from model.finetune import LabelledImage

    samples: list[LabelledImage] = []
    reader = MaskReader(classes or UNNAMED)
    for pair in pairs:
        with failures.caught():
            record = read_image(pair.image)
            labels = reader.read(pair, record.shape)
            samples.append(LabelledImage(image=record.pixels, labels=labels))
    if not samples:
        failures.exit_code()
        raise LatentsegError("None of the images could be used.", action="See the lines above.")
    if classes is not None:
        return samples, reader.classes
    after, table = settled(reader.classes, [sample.labels for sample in samples])
    return [replace(sample, labels=looked_up(table, sample.labels)) for sample in samples], after


def _learner(network: object) -> LatentExpertNetwork:
    from model.network import LatentExpertNetwork

    if not isinstance(network, LatentExpertNetwork):
        raise LatentsegError(
            f"A network of the kind {type(network).__name__} cannot be fine-tuned.",
            action="Start from the weights that come with the program.",
        )
    return network


def _first_classes(
    options: argparse.Namespace, meta: CheckpointMeta, network: LatentExpertNetwork
) -> ClassTable | None:
    """The classes before any mask was read: those asked for, else those of weights that were named.

    What the weights that come with the program call their classes says nothing about anybody's masks.
    """
    if options.classes:
        return ClassTable.from_names([name.strip() for name in options.classes.split(",")])
    return classes_of(meta, network.config.num_classes) if options.weights else None


def _follow(job: Job, *, is_silent: bool) -> None:
    """Let the job work and print where it stands."""
    last = -REPORT_EVERY
    for progress in job:
        if is_silent:
            continue
        if progress.seconds - last >= REPORT_EVERY or not math.isnan(progress.metric):
            last = progress.seconds
            print(_line(progress))


def _line(progress: Progress) -> str:
    held_out = "" if math.isnan(progress.metric) else f", held-out mean IoU {progress.metric:.3f}"
    loss = "" if math.isnan(progress.loss) else f", loss {progress.loss:.4f}"
    return f"{progress.seconds:5.1f} s  step {progress.step}, {progress.phase}{loss}{held_out}"


def verdict(job: Job, validated_on: str) -> str:
    """What came of it, in a sentence."""
    if math.isnan(job.metric_after):
        measured = "nothing could be held out to measure with"
    elif math.isnan(job.metric_before):
        measured = f"held-out mean IoU {job.metric_after:.3f} ({validated_on})"
    else:
        figures = f"held-out mean IoU {job.metric_before:.3f} before, {job.metric_after:.3f} after"
        measured = f"{figures} ({validated_on})"
    return f"{measured}. {job.note}".strip()


def _provenance(
    options: argparse.Namespace,
    meta: CheckpointMeta,
    samples: list[LabelledImage],
    config: FineTuneConfig,
    job: Job,
    seconds: float,
) -> dict[str, object]:
    from model.finetuning.record import SEEN, seen_after, settings_of

    return {
        "started_from": options.weights.name if options.weights else "default",
        "images": len(samples),
        "seconds": round(seconds, 1),
        **settings_of(config),
        "validated_on": job.validated_on,
        "held_out_mean_iou": None if math.isnan(job.metric_after) else round(job.metric_after, 4),
        SEEN: seen_after(meta.provenance, samples, job.learned_cells),
    }
