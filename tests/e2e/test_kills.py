"""S-06: the window is killed while somebody paints, fifty times; at most the stroke in progress is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import IO

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.storage import make_folder

ROUNDS = 50

# One process has everything imported and forks a painter with a window of its own for every round: half a
# second of processor time instead of three.
NURSERY = """
import os, sys
from pathlib import Path
from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.controllers.training.weights import WeightsController
from tests.e2e.person import Person

WeightsController.activate_shipped = lambda self: None  # painting needs no model

def paint(home, photo):
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"):
        os.environ[name] = home
    application.application()
    person = Person(application.start(Reporter()))
    person.open(Path(photo))
    for number in range(10_000):
        row = 3.0 + number % 55
        person.choose("tool_eraser" if number % 7 == 6 else "tool_brush")
        person.drag((5.0 + number % 11, row), (30.0 + number % 40, row))
        print("stroke", person.session.history.position, (person.mask == 1).sum(), flush=True)

for line in sys.stdin:
    child = os.fork()
    if not child:
        paint(*line.split())
    print("painter", child, flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fifty_kills_while_painting_lose_at_most_the_stroke_in_progress(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)).save(photo)
    chance, lost, ahead = random.Random(0), 0, 0
    nursery = subprocess.Popen(
        [sys.executable, "-c", NURSERY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
    )
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    with nursery.stdin as orders, nursery.stdout as lines:
        for turn in range(ROUNDS):
            home = tmp_path / f"home{turn}"
            make_folder(home)
            print(home, photo, file=orders, flush=True)
            said = one_round(lines, chance.randrange(1, 8), chance.uniform(0, 0.02))
            strokes, pixels = recovered(home)
            assert strokes in (len(said), len(said) + 1), f"round {turn}: {strokes} strokes of {len(said)}"
            if strokes == len(said):
                assert pixels == said[-1]
            ahead += strokes > len(said)
            lost += strokes < len(said)
    assert nursery.wait(30) == 0
    print(f"{ROUNDS} rounds, {lost} reported strokes lost, {ahead} recovered before they were reported")
    assert lost == 0


def one_round(lines: IO[str], strokes: int, delay: float) -> list[int]:
    """Kills the painter some time after it has reported so many strokes; the pixels after each of them."""
    painter, said, is_killed = 0, [], False
    for line in lines:
        kind, *values = line.split()
        if kind == "dead":
            break
        if kind == "painter":
            painter = int(values[0])
        if kind == "stroke":
            assert int(values[0]) == len(said) + 1
            said.append(int(values[1]))
        if painter and len(said) >= strokes and not is_killed:
            wait(delay)
            os.kill(painter, signal.SIGKILL)
            is_killed = True
    return said


def wait(seconds: float) -> None:
    end = monotonic() + seconds
    while monotonic() < end:
        os.sched_yield()


def recovered(home: Path) -> tuple[int, int]:
    """How many strokes can be recovered, and how many pixels the mask has then."""
    (manifest,) = home.rglob("project.json")
    opened = open_project(manifest.parent)
    assert opened.recovery is not None
    assert not opened.recovery.is_damaged
    strokes = opened.recovery.count
    opened.recovery.restore(opened.document)
    (image_id,) = opened.document.images.ids
    pixels = int((opened.document.masks.labels(image_id) == 1).sum())
    opened.session.close()
    return strokes, pixels
