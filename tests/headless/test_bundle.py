"""The bundle that `make dist` writes works by itself: no Python, no checkout, from wherever it lies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.headless.installed import ROOT, run

BUNDLE = os.environ.get("LATENTSEG_BUNDLE", "")
pytestmark = pytest.mark.skipif(
    not BUNDLE, reason="needs LATENTSEG_BUNDLE, the folder that `make dist` writes"
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The executable, in a folder whose name has a space, as a user may have unpacked it."""
    place = tmp_path_factory.mktemp("elsewhere") / "my programs"
    shutil.copytree(Path(BUNDLE).resolve(), place, symlinks=True, copy_function=_linked)
    return place / ("latentseg.exe" if os.name == "nt" else "latentseg")


def _linked(source: str, target: str) -> None:
    """A second name for a file is as good as a copy, and takes no time; another disk needs a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def test_the_first_minute_works(program: Path, tmp_path: Path) -> None:
    outcome = run(tmp_path, program, "doctor", "--window", "out", PATH="")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert str(ROOT) not in outcome.stdout, "nothing came from the source"
    assert "export to ONNX: onnx " in outcome.stdout, "click models of others can be opened"
    steps = (
        "Qt starts",
        "window is open",
        "sample image is shown",
        "first click is answered",
        "mask is exported",
    )
    places = [outcome.stdout.index(step) for step in steps]
    assert places == sorted(places)
    mask = np.array(Image.open(tmp_path / "out" / "mask.png"))
    assert mask.shape[:2] == (512, 512)
    assert mask[120, 225] == 1, "the face that was clicked on"


def test_subcommands_work(program: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    assert "latentseg" in run(tmp_path, program, "--version", PATH="").stdout
    outcome = run(tmp_path, program, "predict", "photo.png", "--output", "out", PATH="")
    assert outcome.returncode == 0, outcome.stderr
    assert list((tmp_path / "out").iterdir())


def test_files_of_the_user_are_data(program: Path, tmp_path: Path) -> None:
    for name in ("model.py", "assets.py", "torch.py", "multiprocessing.py"):
        (tmp_path / name).write_text("raise SystemExit('a file of the user was run')")
    outcome = run(tmp_path, program, "networks", PATH="")
    assert outcome.returncode == 0, outcome.stderr
    assert "a file of the user" not in outcome.stdout + outcome.stderr


def test_the_entry_of_the_menu_starts_the_bundle(program: Path, tmp_path: Path) -> None:
    outcome = run(tmp_path, program, "desktop", PATH="")
    assert outcome.returncode == 0, outcome.stderr
    (entry,) = tmp_path.glob(".local/share/applications/latentseg.desktop")
    assert f'Exec="{program}" %F' in entry.read_text()
