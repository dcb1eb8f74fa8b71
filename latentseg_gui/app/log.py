"""The log file: rotating, in the state folder, best effort. The window never depends on it."""

from __future__ import annotations

import faulthandler
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

import platformdirs

LOGGER = logging.getLogger("latentseg")
_FORMAT = "%(asctime)s %(levelname)s %(process)d %(threadName)s %(name)s: %(message)s"
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
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "latentseg.log"
        handler: logging.Handler = RotatingFileHandler(
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
