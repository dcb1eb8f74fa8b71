"""What the subcommands share: finding images, opening weights, and errors that stop one image only."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import BACKGROUND, ImageRecord
from latentseg_gui.io.images.folders import left_out, listing
from latentseg_gui.io.images.reading import ImageError, read_image
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.naming import stems_of
from latentseg_gui.io.paths import shown
from latentseg_gui.io.transfer.sources import without_results

if TYPE_CHECKING:
    from model.prediction.predictor import Predictor
    from model.weights.checkpoint import CheckpointMeta


_INPUTS: Final = ("images", "masks", "project", "weights")
"""Options that name what is read."""


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
    def caught(self, item: Path | str = "") -> Iterator[None]:
        """Note whatever goes wrong inside, and go on.

        Args:
            item: what is being worked at, for errors that do not say.
        """
        self.has_just_failed = False
        try:
            with model_errors():
                yield
        except Exception as error:  # one item never ends the others
            self.errors.append(as_error(error, item))
            self.has_just_failed = True

    def exit_code(self) -> int:
        """List the failures on stderr; 1 if there are any."""
        if not self.errors:
            return 0
        print(f"latentseg: {len(self.errors)} failed:", file=sys.stderr)
        for error in self.errors:
            print(f"  {error}", file=sys.stderr)
        return 1


def as_error(error: Exception, item: Path | str = "") -> LatentsegError:
    """An error as one that can be listed, unforeseen ones included."""
    if isinstance(error, LatentsegError):
        return error
    place = f"“{shown(item)}”: " if str(item) else ""
    if isinstance(error, MemoryError):
        return LatentsegError(f"{place}There is not enough memory.", action="Make the image smaller.")
    text = " ".join(str(error).split()) or "no more is known"
    detail = "".join(traceback.format_exception(error))
    return LatentsegError(
        f"{place}An unexpected error: {type(error).__name__}: {text}.",
        action="The others are not affected. Run it alone with --debug for the details.",
        detail=detail,
    )


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """``-o`` and ``--overwrite``."""
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write into"
    )
    add_overwrite_argument(parser)


def add_overwrite_argument(parser: argparse.ArgumentParser) -> None:
    """``--overwrite``."""
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace files that latentseg did not write, or that have changed since (default: refuse)",
    )


def ledger_of(options: argparse.Namespace) -> Ledger:
    """What decides which files may be replaced, as ``--overwrite`` says."""
    action = "Choose another folder with -o, or add --overwrite to replace them."
    return Ledger(may_replace=options.overwrite, action=action)


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
    add_weights_argument(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)")


def add_weights_argument(parser: argparse.ArgumentParser) -> None:
    """``--weights``."""
    parser.add_argument(
        "--weights",
        type=_weights,
        metavar="FILE",
        help="a safetensors file, or weights that come with the program: research (the default) or work, which may be "
        "used commercially",
    )


def _weights(text: str) -> Path | None:
    """The file of weights that is meant; None for weights that come inside, which are then those in use."""
    from model.weights.shipped import SHIPPED, choose_weights

    if text not in {each.name for each in SHIPPED} or Path(text).exists():
        return Path(text)
    choose_weights(text)
    return None


def version_name(options: argparse.Namespace) -> str:
    """What the weights in use are called in what they make."""
    return weights_path(options).stem


def weights_path(options: argparse.Namespace) -> Path:
    """The file of weights that ``--weights`` asks for."""
    from model.weights.checkpoint import default_weights_path

    given: Path | None = options.weights
    return given or default_weights_path()


def open_predictor(options: argparse.Namespace) -> tuple[Predictor, CheckpointMeta]:
    """The predictor that ``--weights`` and ``--device`` ask for."""
    from model.prediction.predictor import Predictor
    from model.training.calibrating import temperature_of
    from model.weights.checkpoint import load

    with model_errors():
        network, meta = load(weights_path(options))
        predictor = Predictor(network, options.device, temperature=temperature_of(meta.provenance))
    print(f"running on {predictor.device.name}: {predictor.device.reason}", file=sys.stderr)
    return predictor, meta


def classes_of(meta: CheckpointMeta, num_classes: int) -> ClassTable:
    """The classes that weights name, or numbered ones."""
    names = meta.class_names or ("background", *(f"class {index}" for index in range(1, num_classes)))
    return ClassTable.from_names(names, meta.class_colours).with_smallest(meta.smallest)


def with_stuff(classes: ClassTable, named: str | None) -> ClassTable:
    """The classes, of which those that are named have no objects, and all others have; None for as they are.

    Args:
        classes: of masks or weights.
        named: names with commas; "" for no class.

    Raises:
        LatentsegError: a class is not known.
    """
    if named is None:
        return classes
    stuff = [name.strip() for name in named.split(",") if name.strip()]
    for name in stuff:
        if classes.id_of(name) in (None, BACKGROUND):
            raise LatentsegError(
                f'There is no class "{name}".', action=f"Use some of {', '.join(classes.names[1:])}."
            )
    for class_id, name in classes.named_ids:
        classes = classes.replaced(class_id, is_thing=name not in stuff)
    return classes


def require_inputs(options: argparse.Namespace) -> None:
    """Raise LatentsegError if what is to be read is not there; of several images some may be missing."""
    for name in _INPUTS:
        given = getattr(options, name, None)
        paths = [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, Path)]
        if paths and not any(map(is_there, paths)):
            raise no_file(paths[0])


def is_there(path: Path) -> bool:
    """Whether there is anything of that name."""
    try:
        return path.exists() or path.is_symlink()
    except (OSError, ValueError):  # no name that a file could have
        return False


def no_file(path: Path) -> LatentsegError:
    """For a name that was mistyped."""
    return ImageError(f"There is no file “{shown(path)}”, so it cannot be read.", action="Check its name.")


def find_images(paths: Iterable[Path], output: Path | None = None) -> list[Path]:
    """The files of ``paths``, and for folders the images in them.

    Args:
        paths: files and folders. A file that is not there is kept: it says so when its turn comes.
        output: where results are written; they are not taken for images.

    Raises:
        LatentsegError: there is no image at all.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        folder = listing(path)
        found += without_results(folder.images, path, output)
        if said := left_out([each for each in folder.skipped if each.reason != "mask"]):
            print(f"{shown(path)}: {said}", file=sys.stderr)
    if not found:
        raise LatentsegError(
            "There are no images there.", action="Name image files, or a folder that holds some."
        )
    return list(dict.fromkeys(found))


def read_in_time(path: Path, frame: int = 0) -> ImageRecord:
    """An image, given up when it takes too long; what is not there is a name that was mistyped.

    Raises:
        ImageError: if it cannot be read.
    """
    if not is_there(path):
        raise no_file(path)
    return read_image(path, frame=frame)


def output_stems(images: Sequence[Path]) -> dict[Path, str]:
    """A file name without ending for every image; two images never get the same."""
    return dict(zip(images, stems_of([(image, 0) for image in images]), strict=True))


def announced(items: Sequence[Path], report: Callable[[str], None] = print) -> Iterator[Path]:
    """``items`` one by one, each announced."""
    for index, item in enumerate(items, start=1):
        report(f"[{index}/{len(items)}] {item}")
        yield item
