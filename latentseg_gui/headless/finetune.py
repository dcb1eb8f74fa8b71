"""`latentseg finetune`: better weights from a few images with masks."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.headless.common import (
    Failures,
    add_model_arguments,
    classes_of,
    model_errors,
)
from latentseg_gui.headless.masks import MaskReader, pair_with_masks
from latentseg_gui.io.images import read_image
from latentseg_gui.io.storage import make_folder

if TYPE_CHECKING:
    from model.checkpoint import CheckpointMeta
    from model.finetune import FineTuneConfig, FineTuning, LabelledImage, Progress
    from model.network import LatentExpertNetwork

REPORT_EVERY = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--masks", type=Path, required=True, metavar="DIR", help="of the same names; 255 is not learned"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="time budget (default: 30)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.safetensors")
    parser.add_argument("--speed", choices=("live", "quick", "thorough"), default="quick")
    parser.add_argument("--classes", help="names by class id, with commas")
    parser.add_argument("--seed", type=int, default=0)
    add_model_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Fine-tune and save; 1 if some images could not be used."""
    if not 0 < options.seconds < math.inf:
        raise LatentsegError("--seconds must be more than 0.", action="30 is a good start.")
    pairs = pair_with_masks(options.images, options.masks)
    from model.checkpoint import CheckpointMeta, default_weights_path, load, save
    from model.finetune import FineTuneConfig, finetune

    with model_errors():
        network, meta = load(options.weights or default_weights_path())
        learner = _learner(network)
        failures, reader = Failures(), MaskReader(_first_classes(options.classes, meta, learner))
        samples = read_samples(pairs, reader, failures)
        classes = reader.classes
        config = FineTuneConfig(
            num_classes=len(classes),
            seconds=options.seconds,
            speed=options.speed,
            seed=options.seed,
            device=options.device,
        )
        job = finetune(learner, samples, config)
        started = time.monotonic()
        _follow(job)
        print(verdict(job))
        make_folder(options.output.resolve().parent)
        save(
            options.output,
            job.network,
            CheckpointMeta(
                class_names=tuple(entry.name for entry in classes),
                class_colours=tuple(entry.colour for entry in classes),
                expert_names=meta.expert_names,
                provenance=_provenance(options, samples, config, job, time.monotonic() - started),
            ),
        )
    print(f"weights written to {options.output}")
    return failures.exit_code()


def read_samples(
    pairs: list[tuple[Path, Path]], reader: MaskReader, failures: Failures
) -> list[LabelledImage]:
    """The images that can be read with their labels."""
    from model.finetune import LabelledImage

    samples: list[LabelledImage] = []
    for image_path, mask_path in pairs:
        with failures.caught():
            record = read_image(image_path)
            labels = reader.read(mask_path, record.shape, image_path.name)
            samples.append(LabelledImage(image=record.pixels, labels=labels))
    if not samples:
        failures.exit_code()
        raise LatentsegError("None of the images could be used.", action="See the lines above.")
    return samples


def _learner(network: object) -> LatentExpertNetwork:
    from model.network import LatentExpertNetwork

    if not isinstance(network, LatentExpertNetwork):
        raise LatentsegError(
            f"A network of the kind {type(network).__name__} cannot be fine-tuned.",
            action="Start from the weights that come with the program.",
        )
    return network


def _first_classes(names: str | None, meta: CheckpointMeta, network: LatentExpertNetwork) -> ClassTable:
    """The classes before any mask was read: those asked for, else those of the weights."""
    if names:
        return ClassTable.from_names([name.strip() for name in names.split(",")])
    return classes_of(meta, network.config.num_classes)


def _follow(job: FineTuning) -> None:
    """Let the job work and print where it stands."""
    last = -REPORT_EVERY
    for progress in job:
        if progress.seconds - last >= REPORT_EVERY or not math.isnan(progress.metric):
            last = progress.seconds
            print(_line(progress))


def _line(progress: Progress) -> str:
    held_out = "" if math.isnan(progress.metric) else f", held-out mean IoU {progress.metric:.3f}"
    loss = "" if math.isnan(progress.loss) else f", loss {progress.loss:.4f}"
    return f"{progress.seconds:5.1f} s  step {progress.step}, {progress.phase}{loss}{held_out}"


def verdict(job: FineTuning) -> str:
    """What came of it, in a sentence."""
    if math.isnan(job.metric_after):
        measured = "nothing could be held out to measure with"
    elif math.isnan(job.metric_before):
        measured = f"held-out mean IoU {job.metric_after:.3f}"
    else:
        measured = f"held-out mean IoU {job.metric_before:.3f} before, {job.metric_after:.3f} after"
    return f"{measured}. {job.note}".strip()


def _provenance(
    options: argparse.Namespace,
    samples: list[LabelledImage],
    config: FineTuneConfig,
    job: FineTuning,
    seconds: float,
) -> dict[str, object]:
    return {
        "started_from": options.weights.name if options.weights else "default",
        "images": len(samples),
        "seconds": round(seconds, 1),
        "speed": config.speed,
        "seed": config.seed,
        "held_out_mean_iou": None if math.isnan(job.metric_after) else round(job.metric_after, 4),
    }
