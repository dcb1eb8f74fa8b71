"""Environments that see what latentseg needs, but never the checkout: to try what is installed and bundled."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
QT = ("PySide6", "shiboken6", "pyqtgraph")


def clean_copy(target: Path) -> Path:
    """The source as a clone has it: nothing built, nothing of an editor, and no tests."""
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(".*", "tests", "build", "dist", "*.egg-info"))
    return target


def build_wheel(source: Path, target: Path) -> Path:
    """The wheel of ``source``."""
    build = ("pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target))
    subprocess.run([sys.executable, "-m", *build, str(source)], check=True, cwd="/", timeout=240)
    (wheel,) = target.glob("latentseg-*.whl")
    return wheel


def install(wheel: Path, target: Path, hidden: Sequence[str] = ()) -> Path:
    """A new environment with the wheel in it; it sees the packages of this one but for those ``hidden``.

    Returns:
        The folder of its programs.
    """
    venv.create(target, with_pip=False, symlinks=os.name != "nt")
    scripts = target / ("Scripts" if os.name == "nt" else "bin")
    pip = ("pip", "--python", str(scripts / "python"), "install", "--quiet", "--no-compile", "--no-deps")
    pip += ("--no-index",)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-m", *pip, str(wheel)], check=True, cwd="/", env=environment, timeout=240
    )
    packages = target / "packages"
    packages.mkdir()
    for path in _site_packages():
        is_own = re.match(r"_*(editable_*)?latentseg", path.name) or path.suffix == ".pth"
        if not is_own and not path.name.startswith(tuple(hidden)):
            (packages / path.name).symlink_to(path)
    (own,) = target.glob("[Ll]ib/**/site-packages")
    (own / "packages.pth").write_text(str(packages))
    return scripts


def _site_packages() -> list[Path]:
    folders = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    return [path for folder in folders for path in folder.iterdir()]


def run(
    home: Path, *command: str | Path, timeout: float = 280, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a program as a user would: nothing of this environment reaches it, its folder is ``home``."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    screen = {"QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8", "PATH": os.defpath}
    environment = {**kept, **screen, "HOME": str(home), "USERPROFILE": str(home), **settings}
    words = [str(word) for word in command]
    return subprocess.run(
        words, cwd=home, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
