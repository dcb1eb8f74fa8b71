"""What the application remembers between starts. An unreadable file means defaults, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.storage import atomic_write, make_folder


class Preferences(BaseModel):
    """Settings of the window; unknown keys of newer versions are kept."""

    model_config = ConfigDict(extra="allow", validate_assignment=True)

    theme: Literal["system", "dark", "light"] = "system"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    recent: list[str] = Field(default_factory=list)
    last_folder: str = ""
    export_format: str = "png"
    overlay_opacity: float = Field(default=0.5, ge=0.0, le=1.0)
    window_geometry: str = ""
    window_state: str = ""
    shortcuts: dict[str, str] = Field(default_factory=dict)

    def remember(self, path: Path) -> None:
        """Puts ``path`` first among the recent ones; twelve are kept."""
        text = str(path)
        self.recent = [text, *(other for other in self.recent if other != text)][:12]
        self.last_folder = str(path if path.is_dir() else path.parent)


def preferences_path() -> Path:
    """Where the settings file lives on this system."""
    return Path(platformdirs.user_config_dir("latentseg", appauthor=False)) / "settings.json"


def load_preferences(path: Path) -> tuple[Preferences, LatentsegError | None]:
    """The settings of ``path``, and what went wrong where they had to be defaults."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Preferences(), None
    except OSError as error:
        return Preferences(), _unreadable(path, str(error))
    try:
        return Preferences.model_validate_json(text), None
    except ValidationError as error:
        return Preferences(), _unreadable(path, str(error))


def save_preferences(path: Path, preferences: Preferences) -> None:
    """Writes the settings, replacing the old ones only when all of it is on the disk.

    Raises:
        LatentsegError: the file could not be written.
    """
    make_folder(path.parent)
    atomic_write(path, preferences.model_dump_json(indent=2).encode())


def _unreadable(path: Path, detail: str) -> LatentsegError:
    return LatentsegError(
        f"The settings in {path} cannot be read, so the defaults are used.",
        action="They are written anew when you close the window.",
        detail=detail,
    )
