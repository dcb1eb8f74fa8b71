"""What the subcommands share: finding images, opening weights, and errors that stop one image only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.folders import left_out, listing
from latentseg_gui.io.paths import shown, unique_stems

if TYPE_CHECKING:
    from model.checkpoint import CheckpointMeta
    from model.predictor import Predictor


@dataclass(slots=True)
class Failures:
    """Work that failed while the rest went on.

    Attributes:
        errors: in order.
        has_just_failed: whether the last piece of work failed.
    """

    errors: list[LatentsegError] = field(default_factory=list)
    has_just_failed: bool = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Note a `LatentsegError` (or one of the model) raised inside and go on."""
        self.has_just_failed = False
        try:
            with model_errors():
                yield
        except LatentsegError as error:
            self.errors.append(error)
            self.has_just_failed = True

    def exit_code(self) -> int:
        """List the failures on stderr; 1 if there are any."""
        if not self.errors:
            return 0
        print(f"latentseg: {len(self.errors)} failed:", file=sys.stderr)
        for error in self.errors:
            print(f"  {error}", file=sys.stderr)
        return 1


@contextmanager
def model_errors() -> Iterator[None]:
    """Turn the model library's errors into those that the command line reports."""
    from model.errors import ModelError

    try:
        yield
    except ModelError as error:
        raise LatentsegError(error.what, action=error.action, detail=error.detail) from error


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """``--weights`` and ``--device``."""
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="safetensors file (default: those that come inside)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)")


def weights_path(options: argparse.Namespace) -> Path:
    """The file of weights that ``--weights`` asks for."""
    from model.checkpoint import default_weights_path

    given: Path | None = options.weights
    return given or default_weights_path()


def open_predictor(options: argparse.Namespace) -> tuple[Predictor, CheckpointMeta]:
    """The predictor that ``--weights`` and ``--device`` ask for."""
    from model.checkpoint import load
    from model.predictor import Predictor

    with model_errors():
        network, meta = load(weights_path(options))
        predictor = Predictor(network, options.device)
    print(f"running on {predictor.device.name}: {predictor.device.reason}", file=sys.stderr)
    return predictor, meta


def classes_of(meta: CheckpointMeta, num_classes: int) -> ClassTable:
    """The classes that weights name, or numbered ones."""
    names = meta.class_names or ("background", *(f"class {index}" for index in range(1, num_classes)))
    return ClassTable.from_names(names, meta.class_colours)


def find_images(paths: Iterable[Path]) -> list[Path]:
    """The files of ``paths``, and for folders the images in them.

    Raises:
        LatentsegError: there is no image at all.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        folder = listing(path)
        found += folder.images
        if said := left_out([each for each in folder.skipped if each.reason != "mask"]):
            print(f"{shown(path)}: {said}", file=sys.stderr)
    if not found:
        raise LatentsegError(
            "There are no images there.", action="Name image files, or a folder that holds some."
        )
    return list(dict.fromkeys(found))


def output_stems(images: Sequence[Path]) -> dict[Path, str]:
    """A file name without ending for every image; two images never get the same."""
    return dict(zip(images, unique_stems([image.stem for image in images]), strict=True))


def numbered(items: Sequence[Path], report: Callable[[str], None] = print) -> Iterator[Path]:
    """``items`` one by one, each announced."""
    for index, item in enumerate(items, start=1):
        report(f"[{index}/{len(items)}] {item}")
        yield item
