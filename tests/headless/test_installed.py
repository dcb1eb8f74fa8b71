"""What is installed from the source works by itself: not beside the source, and on screens of other kinds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
WINDOW = """
import faulthandler, sys
from PySide6.QtCore import QTimer
from latentseg_gui.app.main import application, main

if __name__ == "__main__":  # its child processes read this file, too
    faulthandler.dump_traceback_later(120, exit=True)
    app = application()
    QTimer.singleShot(2000, app.closeAllWindows)
    status = main([])
    print(app.platformName())
    sys.exit(status)
"""


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **settings}
    return subprocess.run(
        arguments, cwd="/", env=environment, capture_output=True, text=True, timeout=280, check=False
    )


@pytest.mark.slow
def test_what_pip_installs_predicts_without_the_source(tmp_path: Path) -> None:
    place, source = tmp_path / "installed", tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "tests", "build", "*.egg-info"))
    install = ("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(place))
    outcome = run(sys.executable, "-m", *install, str(source))
    assert outcome.returncode == 0, outcome.stderr
    shutil.rmtree(source)
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    predict = ("-P", "-m", "latentseg_gui", "predict", str(tmp_path / "photo.png"))
    outcome = run(sys.executable, *predict, "--output", str(tmp_path / "out"), PYTHONPATH=str(place))
    assert outcome.returncode == 0, outcome.stderr
    assert list((tmp_path / "out").iterdir())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs Xvfb")
def test_the_window_opens_and_closes_on_x11(tmp_path: Path) -> None:
    home = {name: str(tmp_path) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    script = tmp_path / "opens_and_closes.py"
    script.write_text(WINDOW)
    settings = {**home, "QT_QPA_PLATFORM": "xcb", "PYTHONPATH": str(ROOT)}
    outcome = run("xvfb-run", "-a", sys.executable, "-P", str(script), **settings)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.split()[-1] == "xcb"
