"""`latentseg onnx`: a network as an ONNX file, for programs that know nothing of this one."""

from __future__ import annotations

import argparse
from pathlib import Path

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.headless.subcommand import (
    add_overwrite_argument,
    add_weights_argument,
    ledger_of,
    model_errors,
    require_inputs,
    weights_path,
)
from latentseg_gui.io.paths import real
from latentseg_gui.io.storage import make_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_weights_argument(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="NAME.onnx")
    parser.add_argument(
        "--size",
        type=_size,
        default=(512, 512),
        metavar="HEIGHTxWIDTH",
        help="size of the images that the network takes, in pixels (default: 512x512)",
    )
    add_overwrite_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Write NAME.onnx, and NAME.rdf.yaml that describes it."""
    require_inputs(options)
    if options.output.suffix != ".onnx":
        raise LatentsegError(
            f"“{options.output.name}” does not end in .onnx.",
            action=f"Try -o {options.output.with_suffix('.onnx')}",
        )
    description = options.output.with_suffix(".rdf.yaml")
    ledger = ledger_of(options)
    ledger.check([options.output, description])
    from model.weights.checkpoint import load
    from model.weights.onnx_export import export_onnx

    with model_errors():
        network, meta = load(weights_path(options))
        make_folder(real(options.output).parent)
        export_onnx(network, options.output, meta, size=options.size)
    for path in (options.output, description):
        ledger.adopt(path)
        print(f"written: {path}")
    return 0


def _size(text: str) -> tuple[int, int]:
    """Height and width out of "512x384"."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"“{text}” is not a size; write height and width, such as 512x512.")
    return int(parts[0]), int(parts[1])
