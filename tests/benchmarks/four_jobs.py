"""Seconds and gestures for four jobs, done in the real window from its start to the files that are wanted.

    python -m tests.benchmarks.four_jobs [--jobs photographs nuclei cracks masks] [--csv FILE]
    python -m tests.benchmarks.four_jobs --photographs DIR[:CLASSES] --nuclei DIR --cracks DIR:1 --masks DIR

* photographs: twelve of one object each, to YOLO.
* nuclei: ten pages, to a table of counts; those of the first page are clicked, and learned from.
* cracks: two are painted and learned from, and a hundred pictures predicted.
* masks: twelve of another tool, of which every second is too coarse, are looked through and corrected.

Pictures are made, or come from folders that hold images/ and masks/, whose masks number objects, or hold the classes
that are named (DIR:1+2). A gesture is a click, a key, a drag, or a file or folder picked in the dialog of the system.
A command counts as one key, or as two clicks where it has none. Seconds are those in which one can but wait: for the
window, the model, an answer, a fine-tuning, files. The hand itself takes no time. On a machine that is busy with other
things a fine-tuning needs more than its usual time (--learning SECONDS), for which no gesture is counted.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if os.environ["QT_QPA_PLATFORM"] == "offscreen":
    # Qt's own screen has 800 x 800 pixels, and the window takes no more room than that.
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={Path(__file__).parents[1] / 'screen.json'}"

import numpy as np
from PIL import Image
from PySide6.QtCore import Qt
from scipy import ndimage
from skimage.measure import label as components

from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from tests.benchmarks import job_pictures
from tests.benchmarks.corrected_masks import too_wide
from tests.benchmarks.counting_hand import CountingHand, overlap
from tests.benchmarks.job_pictures import JobPicture, written, written_as_pages

SHIFT: Final = Qt.KeyboardModifier.ShiftModifier
TAUGHT_CRACKS: Final = 2
CRACK_PIXELS: Final = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job took, and what came of it, in words."""

    clicks: int
    keys: int
    drags: int
    choices: int
    seconds: float
    result: str

    @property
    def gestures(self) -> int:
        """All of them."""
        return self.clicks + self.keys + self.drags + self.choices


@dataclass(frozen=True, slots=True)
class Job:
    """One of the four.

    Attributes:
        title: in the table.
        count: pictures that it is about.
        made: makes so many.
        is_one: whether one object of a picture is meant, or all of them.
        does: does it by hand with pictures in an empty folder; what came of it.
    """

    title: str
    count: int
    made: Callable[[int], list[JobPicture]]
    is_one: bool
    does: Callable[[CountingHand, Sequence[JobPicture], Path], str]


def label_photographs(hand: CountingHand, pictures: Sequence[JobPicture], home: Path) -> str:
    """Click, accept and go on; then to YOLO."""
    hand.open_images(written(pictures, home / "photographs"))
    fits = []
    for each in pictures:
        fits.append(hand.point_at(each.truth))
        accept_and_go_on(hand)
    target = hand.write("export_mask", home / "yolo", "yolo")
    lines = [file for file in (target / "labels").glob("*.txt") if file.read_text().strip()]
    return f"{len(lines)} of {len(pictures)} label files; IoU {np.mean(fits):.2f}"


def count_nuclei(hand: CountingHand, pictures: Sequence[JobPicture], home: Path) -> str:
    """Click those of the first page, let it learn, and have all pages counted."""
    hand.open_images(written_as_pages(pictures, home / "nuclei"))
    parts = components(pictures[0].truth)
    hand.choose("each_new")
    for number in range(1, int(parts.max()) + 1):
        depth = ndimage.distance_transform_edt(parts == number)
        row, col = np.unravel_index(int(depth.argmax()), depth.shape)
        hand.click((float(col) + 0.5, float(row) + 0.5))
    hand.wait_for_proposal()
    hand.press(Qt.Key.Key_Return)
    learn(hand)
    target = hand.write("predict_folder", home / "counts", "csv")
    with (target / "counts.csv").open(newline="") as file:
        counted: dict[str, int] = {}
        for row_of_file in csv.DictReader(file):
            image = row_of_file["image"]
            counted[image] = counted.get(image, 0) + int(row_of_file["objects"])
    wanted = [each.count for each in pictures]
    found = [counted[image] for image in sorted(counted)]
    off = sum(abs(one - other) for one, other in zip(found, wanted, strict=True)) / sum(wanted)
    return f"{len(found)} of {len(pictures)} pages; {sum(found)} of {sum(wanted)} counted, off by {off:.0%}"


def find_cracks(hand: CountingHand, pictures: Sequence[JobPicture], home: Path) -> str:
    """Paint two, let it learn, and have all of them found."""
    hand.open_images(written(pictures, home / "cracks"))
    hand.press(Qt.Key.Key_B)
    while hand.session.tool.diameter > CRACK_PIXELS:
        hand.press(Qt.Key.Key_BracketLeft)
    for each in pictures[:TAUGHT_CRACKS]:
        for way in ways_along(each.truth):
            hand.drag(*way)
        go_on(hand)
    learn(hand)
    target = hand.write("predict_folder", home / "masks", "png")
    fits = []
    for each in pictures[TAUGHT_CRACKS:]:
        with Image.open(target / f"{each.name}.png") as file:
            fits.append(overlap(np.asarray(file) == 1, each.truth))
    return (
        f"{len(list(target.glob('*.png')))} of {len(pictures)} masks; IoU of the others {np.mean(fits):.2f}"
    )


def correct_masks(hand: CountingHand, pictures: Sequence[JobPicture], home: Path) -> str:
    """Look through what another tool made, and correct what is coarse."""
    images = written(pictures, home / "images")
    others = home / "from another tool"
    others.mkdir()
    before, after = [], []
    for number, each in enumerate(pictures):
        mask = too_wide(each.truth) if number % 2 else each.truth
        before.append(overlap(mask, each.truth))
        Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(others / f"{each.name}.png")
    hand.open_images(images)
    hand.import_masks(others)
    for number, each in enumerate(pictures):
        if number % 2:
            row, col = (int(values[0]) for values in np.nonzero(deep(hand.mask == 1)))
            hand.take_up((col + 0.5, row + 0.5))
            hand.point_at(each.truth, goal=0.9)
            accept_and_go_on(hand)
        else:
            go_on(hand)
    for each, image_id in zip(pictures, hand.session.document.images.ids, strict=True):
        after.append(overlap(hand.session.document.masks.labels(image_id) == 1, each.truth))
    target = hand.write("export_mask", home / "corrected", "png")
    done = len(list(target.glob("*.png")))
    return f"{done} of {len(pictures)} masks; IoU {np.mean(before):.2f} to {np.mean(after):.2f}"


JOBS: Final = {
    "photographs": Job("photographs to YOLO", 12, job_pictures.photographs, True, label_photographs),
    "nuclei": Job("pages of nuclei to a table of counts", 10, job_pictures.nuclei, False, count_nuclei),
    "cracks": Job("two cracks to a hundred", 100, job_pictures.cracks, False, find_cracks),
    "masks": Job("another tool's masks corrected", 12, job_pictures.photographs, True, correct_masks),
}


def accept_and_go_on(hand: CountingHand) -> None:
    """The proposal becomes an object, and the next picture comes if there is one."""
    move(hand, lambda: hand.press(Qt.Key.Key_Return, SHIFT))


def go_on(hand: CountingHand) -> None:
    """The next picture comes if there is one."""
    move(hand, lambda: hand.press(Qt.Key.Key_D))


def move(hand: CountingHand, press: Callable[[], None]) -> None:
    """Presses, and waits for the next picture where there is one."""
    ids, before = hand.session.document.images.ids, hand.image_id
    press()
    if before != ids[-1]:
        hand.wait_for(lambda: hand.image_id != before and hand.canvas.image.is_shown, what="the next picture")


def learn(hand: CountingHand) -> None:
    """Fine-tunes as it is suggested, and waits until the weights are in use."""
    hand.wait_for(lambda: hand.session.weights.live is not None, what="the model is loaded")
    ended: list[object] = []
    hand.session.finetune.ended.connect(ended.append)
    with hand.agreeing():
        hand.choose("finetune")
        hand.wait_for(lambda: ended, what="it has learned")
    assert ended[0] is not None, "nothing was learned"
    live = hand.session.weights
    hand.wait_for(
        lambda: live.live is not None and live.live.version != "shipped", what="the weights are in use"
    )


def ways_along(truth: np.ndarray) -> list[list[tuple[float, float]]]:
    """A stroke along the middle of each part of what is long and thin."""
    parts, ways = components(truth), []
    for number in range(1, int(parts.max()) + 1):
        rows, cols = np.nonzero(parts == number)
        is_wide = np.ptp(cols) >= np.ptp(rows)
        along, across = (cols, rows) if is_wide else (rows, cols)
        places = [(float(at) + 0.5, float(across[along == at].mean()) + 0.5) for at in np.unique(along)[::4]]
        ways.append(places if is_wide else [(y, x) for x, y in places])
    return [way for way in ways if len(way) > 1]


def deep(mask: np.ndarray) -> np.ndarray:
    """The innermost pixels."""
    depth = ndimage.distance_transform_edt(mask)
    return np.asarray(depth == depth.max())


def done(job: Job, pictures: Sequence[JobPicture], home: Path, learning: float | None = None) -> Outcome:
    """Starts the window, does the job and closes the window; ``learning`` is the time for a fine-tuning."""
    began = monotonic()
    application.application()
    session = application.start(Reporter())
    started = monotonic() - began
    try:
        hand = CountingHand(session)
        if learning is not None:
            session.window.training.set_speed("quick", round(learning))
            session.finetune.plan = session.finetune.plan.with_seconds(learning)
        result = job.does(hand, pictures, home)
    finally:
        application.finish(session)
    return Outcome(**asdict(hand.gestures), seconds=started + hand.waited, result=result)


def table(outcomes: dict[str, Outcome]) -> str:
    """Lines for the documents."""
    lines = [
        "| job | gestures | clicks, keys, drags, files picked | seconds of waiting | what came of it |",
        "|---|---|---|---|---|",
    ]
    for name, each in outcomes.items():
        kinds = f"{each.clicks}, {each.keys}, {each.drags}, {each.choices}"
        lines.append(f"| {name} | {each.gestures} | {kinds} | {each.seconds:.0f} | {each.result} |")
    return "\n".join(lines)


def main() -> None:
    """Does the jobs and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    for name in JOBS:
        parser.add_argument(f"--{name}", help="a folder instead of pictures that are made")
    parser.add_argument("--learning", type=float, help="seconds for each fine-tuning")
    parser.add_argument("--csv", type=Path, help="writes the figures into a file, too")
    options = parser.parse_args()
    outcomes = {}
    for name in options.jobs:
        job, given = JOBS[name], getattr(options, name)
        pictures = job.made(job.count) if given is None else pictures_of(given, job)
        with tempfile.TemporaryDirectory() as home:
            for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
                os.environ[variable] = f"{home}/settings"
            outcomes[f"{len(pictures)} {job.title}"] = done(
                job, pictures, Path(home) / "work", options.learning
            )
    print(table(outcomes))
    if options.csv is not None:
        with options.csv.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["job", "clicks", "keys", "drags", "choices", "seconds", "result"])
            writer.writerows([name, *asdict(each).values()] for name, each in outcomes.items())


def pictures_of(given: str, job: Job) -> list[JobPicture]:
    """From DIR or DIR:CLASSES of the command line."""
    folder, _, classes = given.partition(":")
    values = [int(each) for each in classes.split("+") if each]
    return job_pictures.of_folder(Path(folder), values, job.count, is_one=job.is_one)


if __name__ == "__main__":
    main()
