"""Tool tips that name the key of an action, and another one as soon as the user has chosen it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from latentseg_gui.panels.plain import plain

_ACTION, _TIP = "keyed_action", "keyed_tip"


def follow_key(widget: QWidget, action: str) -> None:
    """From now on `show_keys` adds the key of ``action`` to the tool tip that ``widget`` has now."""
    widget.setProperty(_ACTION, action)
    widget.setProperty(_TIP, widget.toolTip())


def show_keys(root: QWidget, key_of: Callable[[str], str]) -> None:
    """Writes the keys in force into the tool tips below ``root``.

    Args:
        root: the window.
        key_of: the key of an action as the user reads it, "" where it has none.
    """
    for widget in root.findChildren(QWidget):
        action = widget.property(_ACTION)
        if action:
            widget.setToolTip(with_key(str(widget.property(_TIP)), key_of(str(action))))


def with_key(text: str, key: str) -> str:
    """A tool tip and the key that does the same."""
    return plain(f"{text} ({key})" if key else text)
