"""The log file: rotating, in the state folder, best effort. The window never depends on it."""

from __future__ import annotations

import faulthandler
import logging
import os
import stat
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Final

import platformdirs

from latentseg_gui.io.storage import make_private_folder

LOGGER = logging.getLogger("latentseg")
_FORMAT = "%(asctime)s %(levelname)s %(process)d %(threadName)s %(name)s: %(message)s"
CRASH_LOGS: Final = ("crash.log", "model-crash.log", "training-crash.log")
"""Where this process and its children write when they are killed by a fault."""

_crash_file: IO[str] | None = None


def state_folder() -> Path:
    """Where log, versions of the weights and recovery data live."""
    return Path(platformdirs.user_state_dir("latentseg", appauthor=False))


def start_log(folder: Path) -> Path | None:
    """Logs to ``folder/latentseg.log``; None where the folder cannot be written (then only stderr gets it)."""
    LOGGER.setLevel(logging.INFO)
    if LOGGER.handlers:
        return None
    try:
        make_private_folder(folder)
        for name in ("latentseg.log", *CRASH_LOGS):
            _make_private(folder / name)
        path = folder / "latentseg.log"
        handler: logging.Handler = _PrivateHandler(
            path, maxBytes=2_000_000, backupCount=5, encoding="utf-8", delay=False
        )
    except OSError as error:
        LOGGER.addHandler(logging.StreamHandler())
        LOGGER.warning("No log file: %s", error)
        return None
    handler.setFormatter(logging.Formatter(_FORMAT))
    LOGGER.addHandler(handler)
    _note_crashes(folder / "crash.log")
    return path


class _PrivateHandler(RotatingFileHandler):
    """A log that only its owner can read: it names what is worked on."""

    def _open(self) -> TextIOWrapper:
        _make_private(Path(self.baseFilename))
        return super()._open()


def _make_private(path: Path) -> None:
    """Make a file, or take others' permissions from it."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)


def stop_log() -> None:
    """Closes the files, so that a test or a restart leaves nothing open."""
    global _crash_file
    LOGGER.info("clean exit")
    for handler in list(LOGGER.handlers):
        LOGGER.removeHandler(handler)
        handler.close()
    if _crash_file is not None:
        faulthandler.disable()
        _crash_file.close()
        _crash_file = None


def _note_crashes(path: Path) -> None:
    global _crash_file
    if faulthandler.is_enabled():
        return
    try:
        _crash_file = path.open("a", encoding="utf-8")
    except OSError as error:
        LOGGER.warning("No file for crashes: %s", error)
        return
    faulthandler.enable(_crash_file)
