"""What pip installs is whole: the window with all it shows, or the library without Qt, far from the source."""

from __future__ import annotations

import tomllib
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image

from latentseg_gui import __version__
from tests.headless.installed import QT, ROOT, build_wheel, clean_copy, install, run


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    return build_wheel(clean_copy(place / "source"), place)


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with all that the window needs."""
    return install(wheel, tmp_path_factory.mktemp("whole") / "venv")


@pytest.fixture(scope="module")
def scripts_without_qt(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment as `pip install latentseg` makes it."""
    return install(wheel, tmp_path_factory.mktemp("library") / "venv", hidden=QT)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def metadata_of(wheel: Path) -> Message:
    with ZipFile(wheel) as files:
        return message_from_bytes(files.read(f"latentseg-{__version__}.dist-info/METADATA"))


def test_every_module_and_all_that_is_shown_lie_inside(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        inside = {name for name in files.namelist() if ".dist-info/" not in name}
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in ("model", "latentseg_gui", "assets")
        for path in (ROOT / package).rglob("*.py")
    }
    shown = {
        path.relative_to(ROOT).as_posix()
        for folder in ("desktop", "icons", "theme", "weights")
        for path in (ROOT / "assets" / folder).iterdir()
    }
    assert not (modules | shown | {"model/py.typed", "latentseg_gui/py.typed"}) - inside
    assert {name.split("/")[0] for name in inside} == {"model", "latentseg_gui", "assets"}


def test_pictures_of_the_documents_are_not_carried_about(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        sizes = {each.filename: each.file_size for each in files.infolist()}
    assert not [name for name in sizes if name.startswith(("assets/screenshots", "assets/figures"))]
    weights = sum(size for name, size in sizes.items() if name.endswith(".safetensors"))
    assert wheel.stat().st_size < weights + 2_000_000


def test_the_metadata_say_what_it_is_and_who_may_use_it(wheel: Path) -> None:
    about = metadata_of(wheel)
    assert (about["Name"], about["Version"]) == ("latentseg", __version__)
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Requires-Python"] == ">=3.11"
    with ZipFile(wheel) as files:
        names = files.namelist()
        entry = files.read(f"latentseg-{__version__}.dist-info/entry_points.txt").decode()
    assert f"latentseg-{__version__}.dist-info/licenses/LICENSE" in names
    assert "latentseg = latentseg_gui.cli:main" in entry


def test_qt_comes_with_the_extra_and_not_with_the_library(wheel: Path) -> None:
    needed = [Requirement(line) for line in metadata_of(wheel).get_all("Requires-Dist", [])]

    def names(extra: str) -> set[str]:
        return {each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})}

    assert "torch" in names("")
    assert names("gui") - names("") == {"PySide6-Essentials", "pyqtgraph"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(metadata_of(wheel).get_all("Provides-Extra", [])) == set(project["optional-dependencies"])


def test_the_first_minute_works_from_what_is_installed(scripts: Path, tmp_path: Path) -> None:
    outcome = run(tmp_path, scripts / "latentseg", "doctor", "--window", "out")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert str(ROOT) not in outcome.stdout, "nothing came from the source"
    steps = ("the window is open", "the sample image is shown", "first click is answered", "mask is exported")
    places = [outcome.stdout.index(step) for step in steps]
    assert places == sorted(places)
    mask = np.array(Image.open(tmp_path / "out" / "mask.png"))
    assert mask.shape[:2] == (512, 512)
    assert mask[120, 225] == 1, "the face that was clicked on"
    assert not list(tmp_path.glob(".config/latentseg/*")), "the settings of the user stay as they are"


def test_the_library_works_without_qt(scripts_without_qt: Path, photo: Path) -> None:
    program = "from model import Predictor; import sys; print('PySide6' in sys.modules)"
    outcome = run(photo.parent, scripts_without_qt / "python", "-c", program)
    assert outcome.stdout.strip() == "False", outcome.stderr
    outcome = run(photo.parent, scripts_without_qt / "latentseg", "predict", "photo.png", "--output", "out")
    assert outcome.returncode == 0, outcome.stderr
    assert list((photo.parent / "out").iterdir())


def test_the_window_without_qt_says_what_to_install(scripts_without_qt: Path, photo: Path) -> None:
    for arguments in ((), ("photo.png",)):
        outcome = run(photo.parent, scripts_without_qt / "latentseg", *arguments)
        assert outcome.returncode == 2
        assert outcome.stderr.startswith("latentseg: The window is not installed")
        assert 'pip install "latentseg[gui]"' in outcome.stderr
        assert len(outcome.stderr.splitlines()) == 1


def test_doctor_says_that_the_window_is_not_installed(scripts_without_qt: Path, tmp_path: Path) -> None:
    outcome = run(tmp_path, scripts_without_qt / "latentseg", "doctor")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert 'pip install "latentseg[gui]"' in outcome.stdout
    assert "libxcb" not in outcome.stdout, "what Qt needs is not missing where no Qt is wanted"
    outcome = run(tmp_path, scripts_without_qt / "latentseg", "doctor", "--window")
    assert outcome.returncode == 1
