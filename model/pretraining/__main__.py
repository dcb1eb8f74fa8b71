"""How the shipped weights were made: ``python -m model.pretraining --data DIR``.

Stopped runs are taken up again by the same command. The log is ``OUTPUT/log.jsonl``, the result
``OUTPUT/weights.safetensors``.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch

from model.errors import ModelError
from model.networks.config import NetworkConfig
from model.networks.network import LatentExpertNetwork
from model.pretraining.candidates import NUM_CANDIDATES
from model.pretraining.loop import PretrainConfig, Pretraining
from model.pretraining.objects import ObjectPretraining
from model.pretraining.schedule import STAGES, Stage
from model.weights import checkpoint

SMALLEST_SIDE = 32
"""Pixels; the encoder's deepest map has one cell then."""


def _parser() -> argparse.ArgumentParser:
    defaults = PretrainConfig(Path(), Path())
    parser = argparse.ArgumentParser(prog="python -m model.pretraining", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the sets; --only-objects needs none")
    parser.add_argument("--output", type=Path, default=Path("runs/pretrain"))
    parser.add_argument("--steps", type=int, default=defaults.steps, help="budget (default: as shipped)")
    parser.add_argument("--seconds", type=float, help="budget in seconds instead of steps")
    parser.add_argument("--rate", type=float, default=defaults.peak_rate, help="highest learning rate")
    parser.add_argument("--encoder", type=Path, help="pretrained encoder (see model.pretraining.convert)")
    parser.add_argument("--start", type=Path, help="weights to begin from, wherever they fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--stage",
        type=_stage,
        action="append",
        metavar="START:BATCH:SIZES",
        help="crops from a share of the budget on, such as 0.3:14:160x224,192x192 (height x width); give it once "
        "for every stage, the first from 0 on (default: as the first shipped weights)",
    )
    parser.add_argument(
        "--frozen",
        type=_share,
        default=defaults.frozen_until,
        metavar="SHARE",
        help=f"share of the budget with the encoder as it is (default: {defaults.frozen_until})",
    )
    parser.add_argument(
        "--encoder-rate",
        type=float,
        default=defaults.encoder_rate,
        metavar="SHARE",
        help=f"the encoder's learning rate as a share of the others' (default: {defaults.encoder_rate})",
    )
    _add_only(parser)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="0: as torch likes")
    parser.add_argument("--fp32", action="store_true", help="no bfloat16")
    return parser


def _add_only(parser: argparse.ArgumentParser) -> None:
    """Options that teach one part of finished weights."""
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--only-candidates",
        dest="only",
        action="store_const",
        const="candidates",
        default="",
        help="teach the weights of --start other meanings of a click, and change nothing else",
    )
    only.add_argument(
        "--only-classes",
        dest="only",
        action="store_const",
        const="classes",
        help="teach the weights of --start what is foreground, and change nothing else",
    )
    only.add_argument(
        "--only-objects",
        dest="only",
        action="store_const",
        const="objects",
        help="teach the weights of --start, with pictures that are made up, what objects look like, and change "
        "nothing else",
    )


def _share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return share


def _stage(text: str) -> Stage:
    """START:BATCH:HEIGHTxWIDTH,..."""
    try:
        start, batch, sizes = text.split(":")
        pairs = tuple((int(rows), int(cols)) for rows, cols in (size.split("x") for size in sizes.split(",")))
        stage = Stage(_share(start), int(batch), pairs)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not START:BATCH:HEIGHTxWIDTH,...") from None
    if stage.batch < 1 or min(min(pair) for pair in pairs) < SMALLEST_SIDE:
        raise argparse.ArgumentTypeError(
            f"{text!r}: a batch has one crop at least, and a crop {SMALLEST_SIDE} pixels on every side"
        )
    return stage


def _config(options: argparse.Namespace) -> PretrainConfig:
    """The run that the options describe.

    Raises:
        ModelError: they do not go together.
    """
    stages = tuple(options.stage or STAGES)
    if stages[0].start > 0 or any(one.start >= other.start for one, other in pairwise(stages)):
        raise ModelError(
            "The stages are not in order.", action="Let the first begin at 0 and the others later."
        )
    if options.only and (options.start is None or options.encoder is not None):
        raise ModelError(
            "One part alone can only be taught to finished weights.",
            action="Name them with --start, and leave --encoder out.",
        )
    if options.data is None and options.only != "objects":
        raise ModelError(
            "There is nothing to learn from.", action="Name the folder with the sets with --data."
        )
    if options.encoder is not None or options.start is None:
        network = NetworkConfig.pretrained() if options.encoder else NetworkConfig()
    else:
        network = _of_what_learns(_sizes_of(options.start), options.only)
    return PretrainConfig(
        data=options.data or Path(),
        output=options.output,
        steps=0 if options.seconds else options.steps,
        seconds=options.seconds or 0.0,
        peak_rate=options.rate,
        seed=options.seed,
        device=options.device,
        is_bf16=not options.fp32,
        stages=stages,
        network=network,
        encoder=options.encoder,
        start=options.start,
        frozen_until=options.frozen,
        encoder_rate=options.encoder_rate,
        only=options.only,
    )


def _of_what_learns(network: NetworkConfig, only: str) -> NetworkConfig:
    """The network with the parts that a run teaches; where all of it learns, without those that read the rest."""
    if not only:
        return replace(network, num_candidates=0, knows_objects=0)
    if only == "objects":
        return replace(network, knows_objects=1)
    return replace(network, num_candidates=NUM_CANDIDATES) if only == "candidates" else network


def _sizes_of(start: Path) -> NetworkConfig:
    """Sizes of the network in a file, which a run that begins from it goes on with.

    Raises:
        ModelError: it was refused, or is of another architecture.
    """
    network, _ = checkpoint.load(start)
    if type(network) is not LatentExpertNetwork:
        raise ModelError(
            "Only the default network answers clicks.", action="Choose other weights to start from."
        )
    return network.config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when the weights were written."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        config = _config(options)
        path = (ObjectPretraining(config) if config.only == "objects" else Pretraining(config)).run()
    except ModelError as error:
        logging.getLogger("model.pretraining").error("%s", error)
        return 1
    logging.getLogger("model.pretraining").info("wrote %s", path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
