"""`latentseg finetune`: better weights from a few images with masks."""

from __future__ import annotations

import argparse
import math
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.training.learning import LATENT_EXPERT, seconds_for
from latentseg_gui.headless.subcommand import (
    Failures,
    classes_of,
    ledger_of,
    model_errors,
    require_inputs,
    with_stuff,
)
from latentseg_gui.headless.training import finetune_clicks
from latentseg_gui.headless.training.finetune_options import add_arguments, learning_settings
from latentseg_gui.headless.training.finetune_samples import (
    counted_samples,
    read_samples,
    with_background_decided,
)
from latentseg_gui.headless.transfer.masks import Pair, pairs_asked_for
from latentseg_gui.headless.transfer.naming import words_for
from latentseg_gui.io.paths import real
from latentseg_gui.io.storage import atomic_write, make_folder, remove_file

if TYPE_CHECKING:
    from model.training.cross import FineTuningJob
    from model.training.finetune import FineTuneConfig, Progress
    from model.weights.catalogue import StartingWeights
    from model.weights.checkpoint import CheckpointMeta

__all__ = ["add_arguments", "run"]

REPORT_EVERY = 2.0


def run(options: argparse.Namespace) -> int:
    """Fine-tune and save; 1 if some images could not be used, or nothing was written since it is worse."""
    if options.seconds is None and not options.clicks:
        options.seconds = seconds_for(options.network or LATENT_EXPERT, options.speed)
    if options.seconds is not None and not 0 < options.seconds < math.inf:
        raise LatentsegError("--seconds must be more than 0.", action="30 is a good start.")
    if options.rest_is_background and options.without_background:
        raise LatentsegError(
            "--rest-is-background and --without-background contradict each other.", action="Leave one out."
        )
    if options.clicks:
        finetune_clicks.check(options)
    require_inputs(options)
    check_output(options.output)
    ledger_of(options).check([options.output])
    pairs = pairs_asked_for(options)
    if options.clicks:
        return finetune_clicks.run(options, pairs)
    from model.training.distributed import group_of_torchrun

    with model_errors(), group_of_torchrun(options.device) as (processes, device):
        return _run(options, pairs, device, is_first=processes.rank == 0)


def check_output(path: Path) -> None:
    """Raise LatentsegError where weights cannot be written: better now than when they have been learned."""
    if path.suffix != ".safetensors":
        raise LatentsegError(
            f"“{path.name}” does not end in .safetensors.",
            action=f"Try -o {path.with_suffix('.safetensors')}",
        )
    if path.is_dir():
        raise LatentsegError(f"“{path}” is a folder.", action="Name a file with -o.")
    folder = real(path).parent
    make_folder(folder)
    probe = folder / f".{path.name}-{os.getpid()}.probe"
    atomic_write(probe, b"")
    remove_file(probe)


def _run(options: argparse.Namespace, pairs: list[Pair], device: str, *, is_first: bool) -> int:
    """The work of one process; the first one speaks and saves."""
    from model.training.calibrating import calibrated
    from model.training.finetune import finetune
    from model.training.outcome import is_worse, refuse_unlearned
    from model.training.provenance import after_run, figures_on
    from model.weights.catalogue import start_of

    start = start_of(options.network, options.weights, seed=options.seed, encoder=options.encoder)
    failures = Failures()
    samples, classes = read_samples(pairs, _first_classes(options, start), failures)
    classes = with_stuff(classes.with_smallest(_counted(start, classes)), options.stuff)
    samples = counted_samples(samples, classes)
    samples = with_background_decided(
        samples, classes, is_rest=options.rest_is_background, is_none=options.without_background
    )
    if is_first:
        print(words_for(classes))
    config = _config(options, len(classes), device, is_fresh=start.is_fresh)
    job = finetune(start.network, samples, config)
    _follow(job, is_silent=not is_first)
    refuse_unlearned(job)
    if not is_first:
        return 0
    words = figures_on(job, start.meta.provenance, samples, classes.names)
    print("\n".join([verdict(job, words), *job.remarks]))
    if is_worse(job) and not options.keep_worse:
        print(
            f"latentseg: the new weights are worse than those they started from; “{options.output}” was not written. "
            "Give it more time or more labels, or add --keep-worse to write them all the same.",
            file=sys.stderr,
        )
        return max(1, failures.exit_code())
    more = {"rest_is_background": True} if options.rest_is_background else {}
    provenance = after_run(
        start.meta.provenance, job, samples, config, words, started_from=start.name, **more
    )
    provenance |= calibrated(job, samples, config)
    _save(options.output, classes, start.meta, job, provenance)
    ledger_of(options).adopt(options.output)
    print(f"weights written to {options.output}")
    return failures.exit_code()


def _config(options: argparse.Namespace, num_classes: int, device: str, *, is_fresh: bool) -> FineTuneConfig:
    from model.training.finetune import FineTuneConfig

    return FineTuneConfig(
        num_classes=num_classes,
        seconds=options.seconds,
        speed=options.speed,
        classes_kept=(None,) * num_classes if is_fresh else (),
        device=device,
        **asdict(learning_settings(options)),
    )


def _save(
    output: Path, classes: ClassTable, meta: CheckpointMeta, job: FineTuningJob, provenance: dict[str, Any]
) -> None:
    from model.weights.checkpoint import CheckpointMeta, save

    details = CheckpointMeta(
        class_names=tuple(entry.name for entry in classes),
        class_colours=tuple(entry.colour for entry in classes),
        expert_names=meta.expert_names,
        provenance=provenance,
        smallest=classes.smallest,
    )
    save(output, job.network, details)


def _first_classes(options: argparse.Namespace, start: StartingWeights) -> ClassTable | None:
    """The classes before any mask was read: those asked for, else those of weights that were named.

    What the weights that come with the program call their classes says nothing about anybody's masks.
    """
    if options.classes:
        return ClassTable.from_names([name.strip() for name in options.classes.split(",")])
    network: Any = start.network
    return classes_of(start.meta, network.config.num_classes) if options.weights else None


def _counted(start: StartingWeights, classes: ClassTable) -> tuple[int, ...]:
    """How the weights that it starts from count, where they know the same classes."""
    return start.meta.smallest if start.meta.class_names == classes.names else ()


def _follow(job: FineTuningJob, *, is_silent: bool) -> None:
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


def verdict(job: FineTuningJob, validated_on: str) -> str:
    """What came of it, in a sentence."""
    if math.isnan(job.metric_after):
        measured = "nothing could be held out to measure with"
    elif math.isnan(job.metric_before):
        measured = f"held-out mean IoU {job.metric_after:.3f} ({validated_on})"
    else:
        figures = f"held-out mean IoU {job.metric_before:.3f} before, {job.metric_after:.3f} after"
        measured = f"{figures} ({validated_on})"
        if job.metric_after < job.metric_before and job.is_better:
            measured += "; so few pixels cannot tell them apart"
    return f"{measured}. {job.note}".strip()
