"""How the shipped weights were made: ``python -m model.pretraining --data DIR``.

Stopped runs are taken up again by the same command. The log is ``OUTPUT/log.jsonl``, the result
``OUTPUT/weights.safetensors``.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from model.errors import ModelError
from model.networks.config import NetworkConfig
from model.pretraining.loop import PretrainConfig, Pretraining


def _parser() -> argparse.ArgumentParser:
    defaults = PretrainConfig(Path(), Path())
    parser = argparse.ArgumentParser(prog="python -m model.pretraining", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the sets")
    parser.add_argument("--output", type=Path, default=Path("runs/pretrain"))
    parser.add_argument("--steps", type=int, default=defaults.steps, help="budget (default: as shipped)")
    parser.add_argument("--seconds", type=float, help="budget in seconds instead of steps")
    parser.add_argument("--rate", type=float, default=defaults.peak_rate, help="highest learning rate")
    parser.add_argument("--encoder", type=Path, help="pretrained encoder (see model.pretraining.convert)")
    parser.add_argument("--start", type=Path, help="weights to begin from, wherever they fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="0: as torch likes")
    parser.add_argument("--fp32", action="store_true", help="no bfloat16")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when the weights were written."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    config = PretrainConfig(
        data=options.data,
        output=options.output,
        steps=0 if options.seconds else options.steps,
        seconds=options.seconds or 0.0,
        peak_rate=options.rate,
        seed=options.seed,
        device=options.device,
        is_bf16=not options.fp32,
        network=NetworkConfig.pretrained() if options.encoder else NetworkConfig(),
        encoder=options.encoder,
        start=options.start,
    )
    try:
        path = Pretraining(config).run()
    except ModelError as error:
        logging.getLogger("model.pretraining").error("%s", error)
        return 1
    logging.getLogger("model.pretraining").info("wrote %s", path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
