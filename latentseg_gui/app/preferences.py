"""What the application remembers between starts. An unreadable file means defaults, said once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.regular_files import read_regular
from latentseg_gui.io.storage import atomic_write, make_folder
from model.analysis.objects import ObjectOptions

_MAX_BYTES = 2**24

_RENAMED: Final = {"next_place": "next_uncertain_region"}
"""Actions that had another name in settings of earlier versions: keys that the user gave them stay theirs."""


class Preferences(BaseModel):
    """Settings of the window; unknown keys of newer versions are kept."""

    model_config = ConfigDict(extra="allow", validate_assignment=True)

    theme: Literal["system", "dark", "light"] = "system"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    recent: list[str] = Field(default_factory=list)
    last_folder: str = ""
    export_formats: list[str] = Field(default_factory=lambda: ["png"])
    export_folder: str = ""
    overlay_opacity: float = Field(default=0.45, ge=0.0, le=1.0)
    overwrite_objects: bool = False
    keep_larger: bool = False
    object_threshold: float = Field(default=ObjectOptions().threshold, ge=0.0, le=1.0)
    object_separation: float = Field(default=ObjectOptions().separation, ge=0.0, le=1.0)
    object_smoothness: float = Field(default=ObjectOptions().smoothness, ge=0.0, le=100.0)
    work_weights: bool = False
    click_model: str = ""
    click_model_digest: str = ""
    window_geometry: str = ""
    window_state: str = ""
    shortcuts: dict[str, str] = Field(default_factory=dict)

    @field_validator("shortcuts")
    @classmethod
    def _of_today(cls, shortcuts: dict[str, str]) -> dict[str, str]:
        """The keys by the names that actions have now; a key by the new name outdoes one by the old."""
        return {_RENAMED.get(name, name): keys for name, keys in shortcuts.items()} | {
            name: keys for name, keys in shortcuts.items() if name not in _RENAMED
        }

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
        text = read_regular(path, _MAX_BYTES)
    except FileNotFoundError:
        return Preferences(), None
    except OSError as error:
        return Preferences(), _unreadable(path, str(error))
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Preferences(), _unreadable(path, str(error))
    return _validated(content, path)


def save_preferences(path: Path, preferences: Preferences) -> None:
    """Writes the settings, replacing the old ones only when all of it is on the disk.

    What cannot be written as JSON (a newer version or a plug-in may have put anything here) is left out; it
    costs nothing else. Names of files that are no text are written as escapes, and read as they were.

    Raises:
        LatentsegError: the file could not be written.
    """
    make_folder(path.parent)
    content = {key: value for key, value in _items(preferences) if _is_json(value)}
    atomic_write(path, json.dumps(content, indent=2, ensure_ascii=True).encode("ascii"))


def _items(preferences: Preferences) -> list[tuple[str, object]]:
    return [*preferences.__dict__.items(), *(preferences.__pydantic_extra__ or {}).items()]


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _validated(content: object, path: Path) -> tuple[Preferences, LatentsegError | None]:
    """The settings, with defaults for those that make no sense; one bad value does not cost the others."""
    if not isinstance(content, dict):
        return Preferences(), _unreadable(path, f"{type(content).__name__} instead of a table")
    try:
        return Preferences.model_validate(content), None
    except ValidationError as error:
        wrong = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
        detail = str(error)
    rest = {key: value for key, value in content.items() if key not in wrong}
    try:
        return Preferences.model_validate(rest), _unreadable(path, detail)
    except ValidationError as error:
        return Preferences(), _unreadable(path, str(error))


def _unreadable(path: Path, detail: str) -> LatentsegError:
    return LatentsegError(
        f"The settings in {path} cannot be read, so the defaults are used.",
        action="They are written anew when you close the window.",
        detail=detail,
    )
