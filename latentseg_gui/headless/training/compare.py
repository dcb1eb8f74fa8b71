"""`latentseg compare`: which network suits these images, measured on the same held-out pixels."""

from __future__ import annotations

import argparse
import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.training.learning import FROM_SCRATCH
from latentseg_gui.headless.subcommand import (
    Failures,
    add_overwrite_argument,
    ledger_of,
    model_errors,
    require_inputs,
)
from latentseg_gui.headless.training.finetune_options import add_background_arguments, add_encoder_argument
from latentseg_gui.headless.training.finetune_samples import read_samples, with_background_decided
from latentseg_gui.headless.transfer.masks import add_pair_arguments, pairs_asked_for
from latentseg_gui.headless.transfer.naming import words_for
from latentseg_gui.io.storage import make_folder

if TYPE_CHECKING:
    from model.training.compare import Comparison, Row
    from model.training.finetune import LabelledImage

_FACTS = ("network", "mean IoU", "seconds", "steps", "parameters")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pair_arguments(
        parser, "folder of masks named as the images, or a COCO file; 255 is neither learned nor measured"
    )
    parser.add_argument(
        "--networks",
        default="latent-expert,unet",
        metavar="NAME[,NAME...]",
        help="see latentseg networks (default: %(default)s)",
    )
    add_encoder_argument(parser)
    parser.add_argument(
        "--seconds",
        type=float,
        default=FROM_SCRATCH,
        help="time for each network (default: %(default)g)",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.csv", help="write the table there as well")
    parser.add_argument(
        "--save",
        type=Path,
        metavar="DIR",
        help="write the weights of each network there, as NAME.safetensors",
    )
    add_overwrite_argument(parser)
    parser.add_argument(
        "--classes", metavar="NAMES", help="class names in the order of their ids, with commas"
    )
    add_background_arguments(parser)
    parser.add_argument(
        "--speed",
        choices=("quick", "thorough"),
        default="thorough",
        help="how the latent-expert network learns (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers (default: 0)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)")


def run(options: argparse.Namespace) -> int:
    """Let every network learn, and print the table; 1 if some images or networks could not be used."""
    if not 0 < options.seconds < math.inf:
        raise LatentsegError("--seconds must be more than 0.", action="60 is a good start.")
    require_inputs(options)
    ledger = ledger_of(options)
    names = _names(options)
    weights = [options.save / f"{name}.safetensors" for name in names] if options.save else []
    ledger.check([*([options.output] if options.output else []), *weights])
    failures = Failures()
    known = [name.strip() for name in options.classes.split(",")] if options.classes else None
    samples, classes = read_samples(
        pairs_asked_for(options), ClassTable.from_names(known) if known else None, failures
    )
    samples = with_background_decided(
        samples, classes, is_rest=options.rest_is_background, is_none=options.without_background
    )
    print(words_for(classes))
    with model_errors():
        comparison = _comparison(options, names, samples, len(classes))
        _follow(comparison)
        print(table(comparison.rows, classes.names))
        print(f"Measured on {comparison.measured_on}, from which no network has learned.")
        if options.output:
            ledger.write(options.output, csv_of(comparison.rows, classes.names))
        if options.save:
            _save(comparison.rows, classes, options)
    return max(failures.exit_code(), int(any(row.network is None for row in comparison.rows)))


def _names(options: argparse.Namespace) -> list[str]:
    """Of the networks, as they are also written in files."""
    from model.weights.catalogue import names_on

    with model_errors():
        return names_on(
            [name.strip() for name in options.networks.split(",") if name.strip()], options.encoder
        )


def _comparison(
    options: argparse.Namespace, names: list[str], samples: Sequence[LabelledImage], num_classes: int
) -> Comparison:
    from model.training.compare import Comparison
    from model.training.finetune import FineTuneConfig

    config = FineTuneConfig(
        num_classes=num_classes,
        seconds=options.seconds,
        speed=options.speed,
        seed=options.seed,
        device=options.device,
    )
    return Comparison(names, samples, config)


def _follow(comparison: Comparison) -> None:
    """Let the networks learn, and print which one does."""
    said = 0
    for report in comparison:
        if report.number != said:
            said = report.number
            print(f"[{report.number}/{report.count}] {report.offer.title}", flush=True)


def cells(row: Row) -> list[str]:
    """The facts of a row and its IoU per class, as they are shown."""
    score = "-" if math.isnan(row.mean_iou) else f"{row.mean_iou:.3f}"
    per_class = ["-" if math.isnan(each) else f"{each:.3f}" for each in row.per_class]
    return [row.offer.name, score, f"{row.seconds:.1f}", str(row.steps), f"{row.parameters:,}", *per_class]


def table(rows: Sequence[Row], class_names: Sequence[str]) -> str:
    """The rows for a person, the best first."""
    ordered = sorted(rows, key=lambda row: -math.inf if math.isnan(row.mean_iou) else row.mean_iou)[::-1]
    lines = [
        [*_FACTS, *class_names],
        *([*cells(row), ""][: len(_FACTS) + len(class_names)] for row in ordered),
    ]
    widths = [
        max(len(line[i]) for line in lines if i < len(line)) for i in range(len(_FACTS) + len(class_names))
    ]
    shown = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)) for line in lines
    ]
    notes = [f"{row.offer.name}: {row.note}" for row in ordered if row.note]
    return "\n".join([*(line.rstrip() for line in shown), *notes])


def csv_of(rows: Sequence[Row], class_names: Sequence[str]) -> bytes:
    """The rows for a spreadsheet, in the order in which they learned."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["network", "mean_iou", "seconds", "steps", "parameters", *class_names, "note"])
    for row in rows:
        numbers = [_plain(row.mean_iou), f"{row.seconds:.2f}", row.steps, row.parameters]
        per_class = [_plain(each) for each in row.per_class] or [""] * len(class_names)
        writer.writerow([row.offer.name, *numbers, *per_class, row.note])
    return out.getvalue().encode()


def _plain(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"


def _save(rows: Sequence[Row], classes: ClassTable, options: argparse.Namespace) -> None:
    from model.weights.checkpoint import CheckpointMeta, save

    make_folder(options.save)
    for row in rows:
        if row.network is not None:
            path = options.save / f"{row.offer.name}.safetensors"
            meta = CheckpointMeta(
                tuple(classes.names),
                tuple(entry.colour for entry in classes),
                provenance=row.provenance or {},
            )
            save(path, row.network, meta)
            ledger_of(options).adopt(path)
            print(f"weights written to {path}")
