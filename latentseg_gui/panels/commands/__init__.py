"""Keys and commands: the F1 sheet and the command palette."""

from latentseg_gui.panels.commands.palette import CommandPalette, PaletteEntry
from latentseg_gui.panels.commands.shortcut_sheet import ShortcutRow, ShortcutSheet

__all__ = ["CommandPalette", "PaletteEntry", "ShortcutRow", "ShortcutSheet"]
