"""Files of the user that are called like parts of the program are never run."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
HOSTILE = "raise SystemExit('a file of the user was run')"
NAMES = ("model.py", "assets.py", "torch.py", "numpy.py", "scipy.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(HOSTILE)
    package = tmp_path / "model"
    package.mkdir()
    (package / "__init__.py").write_text(HOSTILE)
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "photo.png")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "QT_QPA_PLATFORM": "offscreen",
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=200
    )


def test_a_folder_with_a_model_py_is_data(folder: Path) -> None:
    outcome = run(folder, "-m", "latentseg_gui", "predict", "photo.png", "--output", "out")
    assert "a file of the user" not in outcome.stdout + outcome.stderr
    assert outcome.returncode == 0, outcome.stderr
    assert list((folder / "out").iterdir())


def test_under_torchrun_too(folder: Path) -> None:
    for name in ("torch.py", "numpy.py", "scipy.py"):  # torchrun itself would run these
        (folder / name).unlink()
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1", "-m", "latentseg_gui")
    outcome = run(folder, *launch, "predict", "photo.png", "--output", "out")
    assert outcome.returncode == 0, outcome.stderr
    assert list((folder / "out").iterdir())


def test_children_of_a_window_find_their_own_parts(folder: Path) -> None:
    for name in ("torch.py", "numpy.py", "scipy.py"):
        (folder / name).unlink()
    program = """
        from PySide6.QtCore import QCoreApplication
        from latentseg_gui.inference.messages import LoadWeights
        from latentseg_gui.inference.service import ENGINE
        from latentseg_gui.workers.lanes import ChildLane

        if __name__ == "__main__":
            application = QCoreApplication([])
            lane, said = ChildLane(ENGINE, name="model"), []
            lane.job_finished.connect(lambda job, answer: said.append(answer.version))
            lane.job_failed.connect(lambda job, failure: said.append(failure.what))
            lane.submit(LoadWeights(None, "shipped", "cpu"))
            lane.wait_idle(150_000)
            lane.shutdown()
            print(said)
    """
    (folder / "window.py").write_text(textwrap.dedent(program))
    outcome = run(folder, "window.py")
    assert outcome.stdout.strip() == "['shipped']", outcome.stdout + outcome.stderr


def test_another_module_of_this_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("")
    outcome = run(tmp_path, "-c", "import model; import latentseg_gui")
    assert "ImportError" in outcome.stderr
    assert str(tmp_path / "model.py") in outcome.stderr
    assert "another name" in outcome.stderr
