"""The keys in force: those of the table of actions, and where the user has chosen others, those."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence

from latentseg_gui.app.actions import ACTIONS, spec, translated
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.preferences import Preferences, preferences_path, save_preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.panels.commands import KeyRow, ShortcutEditor
from latentseg_gui.panels.shortcut_tooltips import show_keys, with_key

_SEPARATOR = " | "
_FIXED = {str(digit): "Class {0}" for digit in range(1, 10)} | {"0": "Background", "Space": "Pan while held"}
_KEY_TEXT = "key_text"
_HELD = ("peek",)
"""Actions that last while their key is down: the key is watched for, it is no shortcut."""


def key_text(action: QAction) -> str:
    """The first key of an action as the user reads it, "" for none; of those that are held, too."""
    return str(action.property(_KEY_TEXT) or "")


class Shortcuts(QObject):
    """Applies, changes and saves keys.

    Signals:
        changed: other keys are in force.
    """

    changed = Signal()

    def __init__(self, window: MainWindow, preferences: Preferences, reporter: Reporter) -> None:
        super().__init__(window)
        self._window = window
        self._preferences = preferences
        self._reporter = reporter
        self._editor: ShortcutEditor | None = None
        self.apply()

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of an action in Qt's portable text."""
        chosen = self._preferences.shortcuts.get(name)
        if chosen is None:
            return spec(name).keys
        return tuple(part for part in chosen.split(_SEPARATOR) if _is_key(part))

    def apply(self) -> None:
        """Puts the keys in force."""
        for each in ACTIONS:
            keys = [QKeySequence(key) for key in self.keys(each.name)]
            action = self._window.action[each.name]
            action.setShortcuts([] if each.name in _HELD else keys)
            shown = as_printed(keys[0]) if keys else ""
            action.setProperty(_KEY_TEXT, shown)
            action.setToolTip(with_key(action.text().rstrip("."), shown))
        self._window.canvas.status.cancel_key = key_text(self._window.action["cancel"])
        show_keys(self._window, lambda name: key_text(self._window.action[name]))
        self.changed.emit()

    def conflicts(self, name: str, key: str) -> list[str]:
        """What else a key does, as the user reads it."""
        fixed = [translated(text).format(key) for each, text in _FIXED.items() if each == key]
        return fixed + [translated(spec(other).text) for other in self._owners(name, key)]

    def set_keys(self, name: str, keys: Sequence[str]) -> None:
        """Gives an action other keys; whatever had them loses them."""
        if any(key in _FIXED for key in keys):
            self._reporter.inform(self.tr("That key chooses a class or pans the view; it stays as it is."))
            return
        for key in keys:
            for other in self._owners(name, key):
                self._choose(other, [each for each in self.keys(other) if each != key])
        self._choose(name, keys)
        self._changed()

    def reset(self, name: str) -> None:
        """Gives an action the keys it came with."""
        self.set_keys(name, spec(name).keys)

    def reset_all(self) -> None:
        """Gives every action the keys it came with."""
        self._preferences.shortcuts = {}
        self._changed()

    def edit(self) -> None:
        """Opens the editor."""
        editor = ShortcutEditor(self.conflicts, self._window)
        editor.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        editor.change_requested.connect(self.set_keys)
        editor.default_requested.connect(self.reset)
        editor.all_defaults_requested.connect(self.reset_all)
        editor.destroyed.connect(self._on_editor_destroyed)
        self._editor = editor
        self._show_rows()
        editor.show()

    def _owners(self, name: str, key: str) -> list[str]:
        return [each.name for each in ACTIONS if each.name != name and key in self.keys(each.name)]

    def _choose(self, name: str, keys: Sequence[str]) -> None:
        kept = dict(self._preferences.shortcuts)
        kept.pop(name, None)
        if tuple(keys) != spec(name).keys:
            kept[name] = _SEPARATOR.join(keys)
        self._preferences.shortcuts = kept

    def _changed(self) -> None:
        self.apply()
        self._show_rows()
        try:
            save_preferences(preferences_path(), self._preferences)
        except LatentsegError as error:
            self._reporter.report(error)

    def _show_rows(self) -> None:
        if self._editor is None:
            return
        rows = []
        for each in ACTIONS:
            keys = self.keys(each.name)
            rows.append(
                KeyRow(each.name, translated(each.menu), translated(each.text), keys, keys == each.keys)
            )
        self._editor.set_rows(rows)

    def _on_editor_destroyed(self) -> None:
        self._editor = None


def as_printed(key: QKeySequence) -> str:
    """A key as it is called; Qt's Return is printed Enter on most keyboards."""
    text = key.toString(QKeySequence.SequenceFormat.NativeText)
    return "Enter".join(text.rsplit("Return", 1)) if text.endswith("Return") else text


def _is_key(text: str) -> bool:
    return bool(QKeySequence(text).toString(QKeySequence.SequenceFormat.PortableText))
