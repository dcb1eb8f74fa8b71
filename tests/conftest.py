"""What every test shares: an isolated home, no screen, and nothing left running."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if os.environ["QT_QPA_PLATFORM"] == "offscreen" and sys.platform.startswith("linux"):
    # The window takes no more room than its screen has, and Qt's own has 800 x 800 pixels.
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={Path(__file__).parent / 'screen.json'}"
# Threads that wait for each other by spinning stand still for minutes where something else has the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from PySide6.QtGui import QPalette
from pytestqt.qtbot import QtBot

from tests.strays import no_stray_windows

if TYPE_CHECKING:
    from latentseg_gui.app.session import Session

PATIENCE_MS: Final = 60_000
HOMES: Final = (
    *("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"),
    *("HOME", "USERPROFILE"),
)
"""What says where settings, state and the like of a user are."""

# The ordinary run draws the same examples every time, so that what passes once passes again;
# HYPOTHESIS_PROFILE=random (nightly) looks for new ones.
settings.register_profile("ordinary", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ordinary"))


class PatientBot(QtBot):
    """Waits up to a minute for what usually takes a moment: on a busy machine five seconds pass without it."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = PATIENCE_MS) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = PATIENCE_MS, **rest: Any) -> Any:
        return super().waitSignal(signal, timeout=timeout, **rest)

    def waitSignals(self, signals: list[Any], *, timeout: int = PATIENCE_MS, **rest: Any) -> Any:
        return super().waitSignals(signals, timeout=timeout, **rest)


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> PatientBot:
    """pytest-qt's own, with more patience."""
    return PatientBot(request)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A name for a folder whenever one is asked for. `mktemp` would look through those of all tests so far."""
    place = tmp_path_factory.mktemp("homes")
    return (place / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, logs and versions go to a fresh folder, never to the user's own."""
    home = next(homes)
    home.mkdir()
    for name in HOMES:
        monkeypatch.setenv(name, str(home))
    return home


@pytest.fixture(autouse=True)
def no_leftovers(request: pytest.FixtureRequest) -> None:
    """What an earlier test left of widgets goes in this thread, before a lane's thread could collect it.

    So does the look that it gave the application: what a test finds is not to depend on those before it.
    """
    if "qapp" in request.fixturenames:
        gc.collect()
        if not gc.get_freeze_count():  # what was imported stays, and is not looked through again each time
            gc.freeze()
        qapp = request.getfixturevalue("qapp")
        is_in_use = any(window.isVisible() for window in qapp.topLevelWidgets())
        if qapp.styleSheet() and not is_in_use:
            qapp.setStyleSheet("")
            qapp.setPalette(QPalette())


@pytest.fixture
def composed(qtbot: QtBot, own_home: Path) -> Iterator[Session]:
    """All of the product put together and shown, with nothing in the background yet: no model, no files."""
    from latentseg_gui.app.compose import compose
    from latentseg_gui.app.main import application
    from latentseg_gui.app.preferences import Preferences
    from latentseg_gui.app.reporting import Reporter
    from latentseg_gui.app.theme import apply_theme

    apply_theme(application(), "dark")
    with no_stray_windows():
        running = compose(Preferences(theme="dark"), Reporter())
        running.window.show()
        yield running
        running.shutdown()


def astronaut() -> Path:
    """A real photograph of a person, in the public domain."""
    import skimage

    return Path(skimage.__file__).parent / "data" / "astronaut.png"


@pytest.fixture
def skimage_photo() -> Path:
    """As `astronaut`."""
    return astronaut()
