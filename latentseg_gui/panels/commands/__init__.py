"""Keys and commands: the F1 sheet, the editor of keys, the command palette, the menu of objects."""

from latentseg_gui.panels.commands.object_menu import ObjectMenu
from latentseg_gui.panels.commands.palette import CommandPalette, PaletteEntry
from latentseg_gui.panels.commands.shortcut_editor import KeyRow, ShortcutEditor
from latentseg_gui.panels.commands.shortcut_sheet import ShortcutRow, ShortcutSheet

__all__ = [
    "CommandPalette",
    "KeyRow",
    "ObjectMenu",
    "PaletteEntry",
    "ShortcutEditor",
    "ShortcutRow",
    "ShortcutSheet",
]
