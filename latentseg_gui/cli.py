"""`latentseg`: opens the window, or runs a subcommand without one.

Nothing heavy is imported before it is known what is wanted: neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn, Protocol

from latentseg_gui import __version__
from latentseg_gui.document.errors import LatentsegError

SUBCOMMANDS: Final = {
    "predict": "write a mask for every image",
    "propose": "write a mask of every object that is found, without classes",
    "finetune": "learn from images with masks and write new weights",
    "networks": "list the networks that can be trained, and what each is good for",
    "compare": "train several networks on the same masks and measure which suits them",
    "evaluate": "measure class predictions against masks (mean IoU, Dice, accuracy)",
    "import": "make a project from images and the masks of another tool",
    "export": "write the masks of a folder in another format (COCO, YOLO, polygons, overlays, ...)",
    "inspect": "show what each expert looks at and explains, or what another network attends to",
    "onnx": "write a network as an ONNX file for other programs",
    "desktop": "add latentseg to the menu of the desktop, or remove it",
    "doctor": "check the installation: what the program runs on, and what is missing",
}
_MODULES: Final = {
    "predict": "prediction.predict",
    "propose": "prediction.propose",
    "finetune": "training.finetune",
    "networks": "training.networks",
    "compare": "training.compare",
    "evaluate": "prediction.evaluate",
    "import": "transfer.importing",
    "export": "transfer.export",
    "inspect": "experts.inspect",
    "onnx": "training.onnx",
    "desktop": "desktop",
    "doctor": "doctor",
}
"""Where in `latentseg_gui.headless` each of them is."""

FAILED: Final = 2
STOPPED: Final = 130


class Subcommand(Protocol):
    """What the modules of `latentseg_gui.headless` that are subcommands offer."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; the exit code: 0, or 1 if some of the work failed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after the program's name; those of this process if None.

    Returns:
        0; 1 if some of the work failed; 2 if nothing could be done.
    """
    _let_streams_say_everything()
    arguments = list(sys.argv[1:] if argv is None else argv)
    wants_help = bool(arguments) and arguments[0] in ("-h", "--help", "--version")
    if not wants_help and (not arguments or arguments[0] not in SUBCOMMANDS):
        if (mistake := _mistyped(arguments)) is not None:
            print(f"latentseg: {mistake}", file=sys.stderr)
            return FAILED
        from latentseg_gui.headless.window import open_window

        return open_window(arguments)
    # Threads that wait shall sleep: beside a busy program, spinning ones made everything twenty times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    options = _parser(arguments[0]).parse_args(arguments)
    return run_guarded(options)


def _let_streams_say_everything() -> None:
    """What a terminal or a file of another encoding has no letters for is written as escapes.

    Else a name that cannot be shown would be an error of the work on that file.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def run_guarded(options: argparse.Namespace) -> int:
    """Run the subcommand of ``options``; every error becomes a sentence on stderr."""
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        print("latentseg: stopped.", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # stdout was closed, for example by `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return STOPPED
    except Exception as error:
        if options.debug:
            raise
        print(f"latentseg: {said(error)}", file=sys.stderr)
        return FAILED
    return code


def _mistyped(arguments: Sequence[str]) -> str | None:
    """What to say where the window would be asked to open something that is not there; None if all is."""
    for argument in arguments:
        if argument == "--":
            continue
        if argument.startswith("-") or _is_there(Path(argument)):
            continue
        near = difflib.get_close_matches(argument, SUBCOMMANDS, n=1, cutoff=0.5)
        hint = f"Did you mean “latentseg {near[0]}”?" if near else "See latentseg --help."
        name = os.fsencode(argument).decode("utf-8", errors="replace")
        return f"There is no file “{name}”. {hint}"
    return None


def _is_there(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except (OSError, ValueError):  # no name that a file could have
        return False


def said(error: BaseException) -> str:
    """An error as one line: what happened and what to do."""
    if isinstance(error, LatentsegError):
        return str(error)
    text = str(error).strip().split("\n")[0]
    return f"an unexpected error: {type(error).__name__}: {text} Run again with --debug for the details."


def _parser(first: str) -> argparse.ArgumentParser:
    """The parser; only the subcommand that is called declares its options."""
    parser = argparse.ArgumentParser(
        prog="latentseg",
        description="Point-and-click segmentation with a latent-expert model.",
        epilog="Without a subcommand the window opens: latentseg [FILES|FOLDER]",
    )
    parser.add_argument("--version", action="version", version=f"latentseg {__version__}")
    commands = parser.add_subparsers(title="without a window", metavar="SUBCOMMAND", required=True)
    for name, purpose in SUBCOMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose)
        if name == first:
            module: Subcommand = importlib.import_module(f"latentseg_gui.headless.{_MODULES[name]}")
            module.add_arguments(command)
            command.add_argument("--debug", action="store_true", help="show the details of errors")
            command.set_defaults(run=module.run)
    return parser


def run_process() -> NoReturn:
    """Run `main` and end the process.

    One of several under torchrun ends at once: everything is on disk by then, and a thread of the
    communication library that is still about now and then aborts an orderly exit.
    """
    code = main()
    if os.environ.get("WORLD_SIZE", "1") != "1":
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code)


if __name__ == "__main__":
    run_process()
