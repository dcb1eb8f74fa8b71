"""`latentseg finetune --clicks`: clicks learn from the objects of masks."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.training.learning import CLICK_SECONDS
from latentseg_gui.headless.subcommand import Failures, ledger_of, model_errors
from latentseg_gui.headless.training.finetune_samples import read_samples
from latentseg_gui.headless.transfer.masks import Pair

if TYPE_CHECKING:
    from model.training.click_tuning import ClickTuning

REPORT_EVERY = 2.0


def check(options: argparse.Namespace) -> None:
    """Raise LatentsegError where options say something about classes, which do not learn."""
    for name in ("network", "rest_is_background", "without_background", "classes"):
        if getattr(options, name):
            flag = f"--{name.replace('_', '-')}"
            raise LatentsegError(
                f"{flag} and --clicks contradict each other: only clicks learn, no class.",
                action=f"Leave one of them out, or run finetune once with {flag} and once with --clicks.",
            )


def run(options: argparse.Namespace, pairs: list[Pair]) -> int:
    """Let clicks learn and save; 1 if some images could not be used, or nothing was written since it is no better."""
    from model.training.click_tuning import ClickTuneConfig, finetune_clicks, in_words
    from model.training.provenance import after_clicks
    from model.weights.catalogue import start_of
    from model.weights.checkpoint import CheckpointMeta, save

    failures = Failures()
    samples, _ = read_samples(pairs, None, failures)
    with model_errors():
        start = start_of("", options.weights, seed=options.seed, encoder="")
        config = ClickTuneConfig(
            seconds=options.seconds or CLICK_SECONDS, seed=options.seed, device=options.device
        )
        job = finetune_clicks(start.network, samples, config)
        _follow(job)
        print(in_words(job))
        if not job.is_better and not options.keep_worse:
            print(
                f"latentseg: that is no better than before; “{options.output}” was not written. {job.note} "
                "Give it more objects or more time, or add --keep-worse to write the weights all the same.",
                file=sys.stderr,
            )
            return max(1, failures.exit_code())
        meta = start.meta
        provenance = after_clicks(meta.provenance, job, started_from=start.name, images=len(samples))
        details = CheckpointMeta(meta.class_names, meta.class_colours, meta.expert_names, provenance)
        save(options.output, job.network, details)
    ledger_of(options).adopt(options.output)
    print(f"weights written to {options.output}")
    return failures.exit_code()


def _follow(job: ClickTuning) -> None:
    """Let the job work and print where it stands."""
    last, phase = 0.0, ""
    for progress in job:
        if progress.phase != phase or progress.seconds - last >= REPORT_EVERY:
            last, phase = progress.seconds, progress.phase
            print(f"{progress.seconds:5.1f} s  step {progress.step}, {progress.phase}")
