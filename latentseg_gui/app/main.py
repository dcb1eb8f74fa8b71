"""The application: ``main(argv)`` opens the window and returns the exit code."""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from assets import asset_path
from latentseg_gui import __version__
from latentseg_gui.app.bindings import GuiThreadCollector, require_sound_binding
from latentseg_gui.app.compose import compose
from latentseg_gui.app.geometry import bring_onto_screen
from latentseg_gui.app.log import LOGGER, start_log, state_folder, stop_log
from latentseg_gui.app.preferences import load_preferences, preferences_path, save_preferences
from latentseg_gui.app.reporting import Hooks, Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.app.theme import apply_theme
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.paths import shown

_OTHERWISE = "Without a screen, the subcommands do the same work: see “latentseg --help”."


def require_screen(environment: Mapping[str, str] | None = None) -> None:
    """Raises `LatentsegError` where no window can open on Linux; elsewhere there is always a screen."""
    known = os.environ if environment is None else environment
    if not sys.platform.startswith("linux") or known.get("QT_QPA_PLATFORM") or known.get("WAYLAND_DISPLAY"):
        return
    display = known.get("DISPLAY", "")
    if not display:
        raise LatentsegError(
            "There is no screen to open the window on.",
            action=f"Log in to a desktop, or forward its screen with “ssh -X”. {_OTHERWISE}",
        )
    if not _answers(display):
        raise LatentsegError(
            f"The screen “{display}” (DISPLAY) does not answer, so the window cannot open.",
            action=f"Log in to a desktop, or forward its screen with “ssh -X”. {_OTHERWISE}",
        )
    if not _loads("libxcb-cursor.so.0"):
        raise LatentsegError(
            "The system library libxcb-cursor is missing, without which no window can open.",
            action="Install it (Debian, Ubuntu: “sudo apt-get install libxcb-cursor0”); “latentseg doctor” "
            "lists all that is missing.",
        )


def _answers(display: str) -> bool:
    """Whether an X server takes connections there; True where that cannot be found out."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(os.fsencode(display), None))
    has_error = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not has_error


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Opens the window and returns when it is closed.

    Args:
        argv: image files and folders to open; the process's own arguments by default.

    Returns:
        The exit code: 0, or 2 where the window could not be opened (the reason is on stderr).
    """
    paths = _parsed(sys.argv[1:] if argv is None else argv)
    try:
        require_sound_binding()
        require_screen()
    except LatentsegError as error:
        print(f"latentseg: {error}", file=sys.stderr)
        return 2
    app = application()
    start_log(state_folder())
    LOGGER.info("latentseg %s starts on the %s platform", __version__, QGuiApplication.platformName())
    reporter = Reporter()
    hooks, collector = Hooks(reporter), GuiThreadCollector()
    session = start(reporter, paths)
    collector.freeze()
    try:
        return app.exec()
    finally:
        finish(session)
        collector.stop()
        hooks.remove()
        stop_log()


def application() -> QApplication:
    """The one application object, named and themed."""
    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("latentseg")
    app.setApplicationDisplayName("latentseg")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("latentseg")
    app.setWindowIcon(QIcon(str(asset_path("desktop", "latentseg.svg"))))
    return app


def start(reporter: Reporter, paths: Sequence[Path] = ()) -> Session:
    """Makes the window, shows it, and only then starts the model behind it."""
    preferences, error = load_preferences(preferences_path())
    apply_theme(application(), preferences.theme)
    session = compose(preferences, reporter)
    session.export.output.suggest(preferences.export_formats, preferences.export_folder)
    session.window.restore_layout(geometry=preferences.window_geometry, state=preferences.window_state)
    session.window.show()
    QTimer.singleShot(0, session.window, partial(bring_onto_screen, session.window))
    if error is not None:
        reporter.report(error)
    session.begin(paths)
    return session


def finish(session: Session) -> None:
    """Remembers the layout and ends everything that runs in the background."""
    try:
        _remember(session)
    except Exception as error:  # whatever is wrong with settings, the window ends in order
        LOGGER.error("The settings were not written: %r", error)
    finally:
        session.shutdown()


def _remember(session: Session) -> None:
    preferences = session.preferences
    preferences.window_geometry, preferences.window_state = session.window.layout_texts()
    output = session.export.output
    preferences.export_formats = list(output.formats)
    is_text = output.folder == shown(output.folder)  # other names cannot be kept in the settings
    preferences.export_folder = output.folder if is_text else ""
    save_preferences(preferences_path(), preferences)


def _parsed(argv: Sequence[str]) -> list[Path]:
    parser = argparse.ArgumentParser(
        prog="latentseg",
        description="Segment images by pointing, look into the model, fine-tune it on a few corrected masks.",
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="IMAGE|FOLDER", help="what to open")
    parser.add_argument("--version", action="version", version=f"latentseg {__version__}")
    return list(parser.parse_args(list(argv)).paths)
