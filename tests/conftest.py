"""What every test shares: an isolated home, no screen, and nothing left running."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, logs and versions go to a fresh folder, never to the user's own."""
    home = tmp_path_factory.mktemp("home")
    for name in (
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "XDG_DATA_HOME",
        "XDG_CACHE_HOME",
        "HOME",
        "USERPROFILE",
    ):
        monkeypatch.setenv(name, str(home))
    return home


@pytest.fixture
def skimage_photo() -> Path:
    """A real photograph of a person, in the public domain."""
    import skimage

    return Path(skimage.__file__).parent / "data" / "astronaut.png"
