"""Keys, commands, and what this is."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction

from latentseg_gui import __version__
from latentseg_gui.app.actions import ACTIONS, translated
from latentseg_gui.app.dialogs import message_box
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.shortcuts import as_printed, key_text
from latentseg_gui.inference.training.shipped import terms_in_use
from latentseg_gui.panels.commands import CommandPalette, PaletteEntry, ShortcutRow, ShortcutSheet

_MOUSE: tuple[tuple[str, str], ...] = (
    ("Zoom at the cursor", "Wheel"),
    ("Pan", "Space + drag, middle drag"),
    ("Brush size; with the click tool, grow or shrink the proposal", "Shift + wheel"),
    ("Click on what does not belong", "Right click, Shift + click"),
    ("Correct an object that is there", "Ctrl + click"),
    ("Another meaning of the click", "Alt + wheel"),
    ("Box round an object", "Drag with the click tool"),
    ("Erase while brushing", "Ctrl, right drag"),
    ("Cancel a large edit, the stroke or the clicks", "Esc"),
    ("Fit to window", "Double click beside the image"),
    ("Paint with class 1 to 9, background", "1 ... 9, 0"),
)


_GALLERY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Lay the map over the image, or take it off", ("Enter", "Space")),
    ("Knock out, or put back", ("K",)),
    ("Solo: leave only this one, or put all back", ("S",)),
)


class Help(QObject):
    """The sheet of keys, the command palette and the "about" box, made when they are first wanted."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._palette: CommandPalette | None = None

    def show_keys(self) -> None:
        """All keys on one sheet, as they are set now."""
        sheet = ShortcutSheet(self._window)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rows = [
            ShortcutRow(translated(spec.menu), translated(spec.text), keys)
            for spec in ACTIONS
            if (keys := _keys_of(self._window.action[spec.name]))
        ]
        mouse = translated("Mouse and keys of the canvas")
        rows += [ShortcutRow(mouse, translated(text), (translated(keys),)) for text, keys in _MOUSE]
        held = key_text(self._window.action["peek"])
        if held:
            rows.append(ShortcutRow(mouse, translated("Raw image"), (translated("{0} held").format(held),)))
        gallery = translated("In the gallery of experts")
        rows += [ShortcutRow(gallery, translated(text), keys) for text, keys in _GALLERY]
        sheet.set_rows(rows)
        sheet.show()

    def show_palette(self) -> None:
        """All commands in a list to search."""
        if self._palette is None:
            self._palette = CommandPalette(self._window)
            self._palette.command_requested.connect(self._on_command_requested)
        self._palette.open_with(
            [
                PaletteEntry(
                    spec.name,
                    translated(spec.text),
                    "  ".join(_keys_of(self._window.action[spec.name])[:1]),
                    self._window.action[spec.name].isEnabled(),
                )
                for spec in ACTIONS
            ]
        )

    def show_about(self) -> None:
        """What this is, under which licence."""
        text = self.tr(
            "latentseg {0}\n\nPoint-and-click segmentation with a latent-expert model that can be looked into "
            "and fine-tuned on a few corrected masks.\n\nCode: Apache License 2.0. The shipped weights have terms of "
            "their own. Those in use: {1}\n\nModel > Begin with weights for use at work changes them; the model card "
            "beside the weights lists every set."
        )
        box = message_box(self.tr("About latentseg"), text.format(__version__, terms_in_use()), self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def _on_command_requested(self, name: str) -> None:
        self._window.action[name].trigger()


def _keys_of(action: QAction) -> tuple[str, ...]:
    return tuple(dict.fromkeys(as_printed(key) for key in action.shortcuts()))
