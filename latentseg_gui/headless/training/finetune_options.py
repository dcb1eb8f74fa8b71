"""The options of `latentseg finetune`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from latentseg_gui.document.training.learning import (
    CLICK_SECONDS,
    FROM_SCRATCH,
    SPEEDS,
    LearningSettings,
    learning_options,
)
from latentseg_gui.headless.subcommand import add_model_arguments, add_overwrite_argument
from latentseg_gui.headless.transfer.masks import add_pair_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pair_arguments(
        parser,
        "folder of masks named as the images, or a COCO file. 255 is not learned (beside 0 alone it is the object)",
    )
    times = ", ".join(f"{each.seconds:g} for {each.name}" for each in SPEEDS.values())
    parser.add_argument(
        "--network",
        default="",
        metavar="NAME",
        help="train this network, from fresh weights; latentseg networks lists them "
        "(default: that of --weights, else latent-expert)",
    )
    add_encoder_argument(parser)
    parser.add_argument(
        "--seconds", type=float, help=f"time budget (default: {times}; {FROM_SCRATCH:g} for other networks)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE.safetensors", help="the new weights"
    )
    add_overwrite_argument(parser)
    parser.add_argument(
        "--speed",
        choices=tuple(SPEEDS),
        default="quick",
        help="live trains one layer, quick experts and head, thorough a backbone, too (default: %(default)s)",
    )
    parser.add_argument(
        "--clicks",
        action="store_true",
        help="train clicks instead of classes: objects like those of the masks (numbered ones, or connected "
        f"areas of a class) then need fewer clicks (default of --seconds: {CLICK_SECONDS:g})",
    )
    parser.add_argument(
        "--classes",
        metavar="NAMES",
        help="class names in the order of their ids, with commas (default: those of --weights and of the masks)",
    )
    _add_stuff_argument(parser)
    add_background_arguments(parser)
    parser.add_argument(
        "--keep-worse",
        action="store_true",
        help="write the new weights even where they measure worse than those they started from",
    )
    _add_settings(parser)
    add_model_arguments(parser)
    parser.epilog = "On several GPUs or machines: torchrun --nproc-per-node N -m latentseg_gui finetune ..."


def _add_stuff_argument(parser: argparse.ArgumentParser) -> None:
    """``--stuff``."""
    parser.add_argument(
        "--stuff",
        metavar="CLASS[,CLASS...]",
        help="classes whose objects are not learned nor counted, such as sky; the weights keep that, and predict "
        "counts the same (default: as --weights say)",
    )


def add_encoder_argument(parser: argparse.ArgumentParser) -> None:
    """``--encoder``."""
    parser.add_argument(
        "--encoder",
        choices=("pretrained", "scratch"),
        default="",
        help="build the network on the encoder that the shipped weights hold, or train all of it from scratch "
        "(default: as latentseg networks says)",
    )


def add_background_arguments(parser: argparse.ArgumentParser) -> None:
    """``--rest-is-background`` and ``--without-background``."""
    parser.add_argument(
        "--rest-is-background",
        action="store_true",
        help="what no mask labels is background: for masks that have objects only; rims of brush strokes that look "
        "like background are not learned from",
    )
    parser.add_argument(
        "--without-background",
        action="store_true",
        help="the labelled classes are all there is; nothing is background",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """What most users leave alone: every option of `LearningSettings`."""
    group = parser.add_argument_group("advanced settings")
    defaults = LearningSettings()
    for name, option in learning_options().items():
        default = getattr(defaults, name)
        known: dict[str, Any] = {"metavar": option.metavar or None, "type": type(default)}
        if option.choices and not option.is_sum:
            known = {"choices": option.keys}
        group.add_argument(
            option.flag or f"--{name.replace('_', '-')}",
            dest=name,
            default=default,
            help=f"{option.help} (default: {default:{'g' if isinstance(default, float) else ''}})",
            **known,
        )


def learning_settings(options: argparse.Namespace) -> LearningSettings:
    """The options of the command line as settings."""
    return LearningSettings(**{name: getattr(options, name) for name in learning_options()})
