"""`latentseg predict`: masks for images, written to a folder; what was cut off is continued."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.headless.prediction.answers import (
    add_prediction_arguments,
    knows_objects,
    predict_item,
    prediction_options,
)
from latentseg_gui.headless.prediction.objects import Counting, add_object_arguments, counting_of
from latentseg_gui.headless.prediction.overlap import Outcome, Overlapped, file_threads
from latentseg_gui.headless.prediction.ranks import Ranks, joined_ranks
from latentseg_gui.headless.subcommand import (
    Failures,
    add_model_arguments,
    add_output_arguments,
    as_error,
    classes_of,
    find_images,
    ledger_of,
    open_predictor,
    read_in_time,
    require_inputs,
    version_name,
    weights_path,
)
from latentseg_gui.headless.transfer.masks import add_picture_argument
from latentseg_gui.io.images.reading import probe
from latentseg_gui.io.images.time_limit import in_time
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.masks import FORMATS, MaskItem
from latentseg_gui.io.masks.values import counts_of
from latentseg_gui.io.paths import real
from latentseg_gui.io.transfer.batch import BatchFolder, BatchItem, BatchPlan, batch_items, done_before

if TYPE_CHECKING:
    from model.prediction.predictor import Predictor
    from model.prediction.testtime import PredictOptions

_MOST_PAGES = 100_000

Make = Callable[[BatchItem, ImageRecord], MaskItem]
"""The mask of an image."""

_Outcome = Outcome[BatchItem, MaskItem, tuple[Path, ...]]


def add_format_argument(parser: argparse.ArgumentParser, *, default: str) -> None:
    """``--format``, of which there may be several."""
    parser.add_argument(
        "--format",
        default=(default,),
        type=format_names,
        metavar="FORMAT[,FORMAT...]",
        help=f"{', '.join(FORMATS)} (default: {default}); several get a folder each",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        "A run that was cut off is continued: start it again as before, and only what is missing is made. "
        "Under torchrun every process takes its share of the images."
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE|FOLDER")
    add_output_arguments(parser)
    add_format_argument(parser, default="png")
    add_picture_argument(parser)
    add_prediction_arguments(parser)
    add_object_arguments(parser)
    add_model_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Predict every image; one that fails does not stop the others."""
    require_inputs(options)
    items = batch_items(all_pages(find_images(options.images, options.output)), root_of(options.images))
    with joined_ranks() as ranks:
        options.device = ranks.device(options.device)
        predictor, meta = open_predictor(options)
        counting = counting_of(options, classes_of(meta, predictor.num_classes))
        links = options.yolo_images == "link"
        plan = BatchPlan(options.format, counting.classes, _settings(options, predictor, counting), links)
        ledger = ledger_of(options)
        protect(options.output, plan, items, ledger)
        version = version_name(options)
        ranks.wait()  # nobody writes before everybody has agreed that it is safe
        folder = BatchFolder(options.output, plan, rank=ranks.rank, ledger=ledger)
        try:
            how = prediction_options(options)
            return Run(folder, predictor, how, version, ranks, counting).run(items)
        finally:
            folder.close()


@dataclass(slots=True)
class Throughput:
    """How much was done in what time.

    Attributes:
        images: that were predicted.
        pixels: of them together.
        model_seconds: that the model worked.
        seconds: from the first image to the last file.
    """

    images: int = 0
    pixels: int = 0
    model_seconds: float = 0.0
    seconds: float = 0.0

    def sentence(self) -> str:
        """Megapixels per second, beside those of the model alone."""
        size = self.pixels / 1e6
        whole, alone = size / max(self.seconds, 1e-9), size / max(self.model_seconds, 1e-9)
        return (
            f"{self.images} image{'' if self.images == 1 else 's'}, {size:.1f} MP in {self.seconds:.1f} s: "
            f"{whole:.2f} MP/s (the model alone: {alone:.2f} MP/s)"
        )


class Run:
    """One process's part of a run; ``make`` makes other masks than those of a prediction."""

    def __init__(
        self,
        folder: BatchFolder,
        predictor: Predictor,
        how: PredictOptions,
        version: str,
        ranks: Ranks,
        counting: Counting | None = None,
        make: Make | None = None,
    ) -> None:
        self._counting = counting
        self._make = make
        self._folder = folder
        self._predictor = predictor
        self._how = how
        self._version = version
        self._ranks = ranks
        self._failures = Failures()
        self._failed: list[BatchItem] = []
        self.tally = Throughput()

    def run(self, items: Sequence[BatchItem]) -> int:
        """Predict what is missing of this process's share, then finish together."""
        share = self._ranks.share(items)
        missing = [item for item in share if not self._folder.is_done(item)]
        if len(missing) < len(share):
            print(f"{len(share) - len(missing)} of {len(share)} images were done by an earlier run.")
        self._predict(missing, len(share))
        if self.tally.images:
            print(self.tally.sentence())
        for note in self._predictor.notes:
            print(note)
        return self._finish(items)

    def _predict(self, missing: Sequence[BatchItem], total: int) -> None:
        formats = [FORMATS[name] for name in self._folder.plan.formats]
        work = self._make or partial(
            predict_item,
            self._predictor,
            self._how,
            self._version,
            needs_probabilities=any(each.needs_probabilities for each in formats),
            needs_values=any(each.needs_values for each in formats),
            counting=self._counting,
        )
        threads = file_threads()
        stages = Overlapped(
            _read, work, self._folder.write, threads, weight=_bytes, name=lambda item: str(item.path)
        )
        done, started = total - len(missing), time.perf_counter()
        for outcome in stages.run(missing):
            done += 1
            self._tell(outcome, f"[{done}/{total}]")
        self.tally.seconds = time.perf_counter() - started

    def _tell(self, outcome: _Outcome, place: str) -> None:
        path = outcome.item.path
        if outcome.error is not None:
            print(f"{place} {path}: {outcome.error}")
            self._failures.errors.append(outcome.error)
            self._failed.append(outcome.item)
        elif outcome.answer is not None:
            self.tally.images += 1
            self.tally.pixels += outcome.answer.labels.size
            self.tally.model_seconds += outcome.seconds
            shares = summary(outcome.answer, self._folder.plan.classes)
            print(f"{place} {path}: {shares}{_counted(outcome.answer)} ({outcome.seconds:.2f} s)")
            for file in outcome.written or ():
                print(f"  -> {file}")
        sys.stdout.flush()

    def _finish(self, items: Sequence[BatchItem]) -> int:
        """What belongs to all images is written by the first process, when all have done their share."""
        said = [(error.what, error.action, error.detail) for error in self._failures.errors]
        everybody = self._ranks.gathered((self._failed, said))
        failed = [item for one, _ in everybody for item in one]
        problem: LatentsegError | None = None
        if self._ranks.rank == 0:
            self._failures.errors[:] = [
                LatentsegError(what, action=action, detail=detail)
                for _, errors in everybody
                for what, action, detail in errors
            ]
            try:
                for file in self._folder.finish(items, failed):
                    print(f"  -> {file}")
            except Exception as error:  # the masks of single images are there
                problem = as_error(error)
                self._failures.errors.append(problem)
            if self._failures.exit_code():
                print(
                    "The rest is done. Start the same command again to try these once more.", file=sys.stderr
                )
        # torchrun ends everybody when one fails: nobody leaves before the last file is written.
        problems = self._ranks.gathered(problem is not None)
        return int(bool(failed) or any(problems))


def summary(item: MaskItem, classes: ClassTable) -> str:
    """Share of every class that occurs."""
    shares = counts_of(item.labels)[: len(classes)] / item.labels.size
    return ", ".join(f"{classes[k].name} {share:.1%}" for k, share in enumerate(shares) if share > 0)


def _counted(item: MaskItem) -> str:
    """How many objects were told apart, in words; "" where none can be."""
    if item.instances is None:
        return ""
    count = len(np.setdiff1d(item.instances, 0))
    return f", {count} object{'' if count == 1 else 's'}"


def _read(item: BatchItem) -> ImageRecord:
    return read_in_time(item.path, item.frame)


def _bytes(record: ImageRecord) -> int:
    """Memory that an image takes while it waits."""
    return record.pixels.nbytes + (0 if record.source is record.pixels else record.source.nbytes)


def all_pages(images: Sequence[Path]) -> list[tuple[Path, int]]:
    """Every page of every file; one whose header cannot be read says so when its turn comes."""
    pages = []
    for path in images:
        try:
            frames = in_time(path, partial(probe, path)).frames
        except Exception:  # whatever it is, it is said of this image when it is read
            frames = 1
        # A header can claim any number of pages; reading the first says what is wrong with it.
        pages += [(path, frame) for frame in range(frames if frames <= _MOST_PAGES else 1)]
    return pages


def root_of(given: Sequence[Path]) -> Path | None:
    """What the names of the images are relative to: the folder, if one was given and nothing else."""
    return given[0] if len(given) == 1 and given[0].is_dir() else None


def _settings(options: argparse.Namespace, predictor: Predictor, counting: Counting) -> str:
    """What the masks depend on besides the images; with other settings nothing is continued."""
    weights = hashlib.sha256(weights_path(options).read_bytes()).hexdigest()
    device = predictor.device
    how = prediction_options(options)
    said = f"weights {weights}, {device.device.type}, {device.dtype}" + ("" if how.is_plain else f", {how}")
    return f"{said}, {counting}" if knows_objects(predictor) else said


def protect(folder: Path, plan: BatchPlan, items: Sequence[BatchItem], ledger: Ledger) -> None:
    """Raise LatentsegError where a mask would take the place of an image, or of a file that is not ours."""
    protected = {real(item.path) for item in items}
    for path in plan.targets(folder, items):
        if real(path) in protected:
            raise LatentsegError(
                f'The output would overwrite "{path}".', action="Choose another folder with -o."
            )
    done = done_before(folder, plan, items)
    ledger.check(plan.targets(folder, [item for item in items if item not in done]))


def format_names(text: str) -> tuple[str, ...]:
    """The formats of a list such as "png,coco"; for argparse."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(FORMATS)}")
    return names
