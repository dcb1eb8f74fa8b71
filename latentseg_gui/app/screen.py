"""Whether there is a screen for the window, asked before Qt would end the process over it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

from latentseg_gui.document.errors import LatentsegError

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
