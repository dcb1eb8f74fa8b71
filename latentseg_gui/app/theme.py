"""Dark, light or as the system: palette and style sheet of the whole application."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from string import Template
from typing import Final, Literal

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from assets import asset_path

ThemeName = Literal["dark", "light", "system"]


@dataclass(frozen=True, slots=True)
class ThemeColours:
    """What a theme is made of, each "#rrggbb"."""

    window: str
    base: str
    raised: str
    hover: str
    pressed: str
    border: str
    strong_border: str
    text: str
    muted: str
    disabled: str
    accent: str
    on_accent: str
    selection: str


DARK: Final = ThemeColours(
    window="#1f2227",
    base="#17191d",
    raised="#2a2e35",
    hover="#343942",
    pressed="#3d434d",
    border="#363b44",
    strong_border="#4a515c",
    text="#e4e7eb",
    muted="#9aa2ad",
    disabled="#666d78",
    accent="#62a8ff",
    on_accent="#0d1726",
    selection="#2b4a73",
)
LIGHT: Final = ThemeColours(
    window="#f3f4f6",
    base="#ffffff",
    raised="#ffffff",
    hover="#e9ecf0",
    pressed="#dde2e8",
    border="#d6dae0",
    strong_border="#b4bbc5",
    text="#1d2127",
    muted="#5d6672",
    disabled="#a0a7b1",
    accent="#1d63c4",
    on_accent="#ffffff",
    selection="#cfe2fb",
)


class ThemeWatcher(QObject):
    """Lives as a child of the application and follows the system while "system" is chosen."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.setObjectName("theme_watcher")
        self._app = app
        self._wish: ThemeName = "system"
        self._has_style = False
        app.styleHints().colorSchemeChanged.connect(self._on_system_scheme_changed)

    def choose(self, wish: ThemeName) -> str:
        """Puts ``wish`` in force and returns what it came to."""
        self._wish = wish
        schemes = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}
        hints = self._app.styleHints()
        hints.blockSignals(True)
        hints.setColorScheme(schemes.get(wish, Qt.ColorScheme.Unknown))
        hints.blockSignals(False)
        return self._put_in_force()

    def _put_in_force(self) -> str:
        name = self._wish
        if name == "system":
            # Where the platform does not say, dark: photographs are judged better on it.
            name = "light" if self._app.styleHints().colorScheme() == Qt.ColorScheme.Light else "dark"
        colours = LIGHT if name == "light" else DARK
        if not self._has_style:
            # Once: under a style sheet the style has no name to ask for, and each time restyles everything.
            self._app.setStyle("Fusion")
            self._has_style = True
        self._app.setPalette(palette_of(colours))
        self._app.setStyleSheet(style_sheet(colours, name))
        return name

    def _on_system_scheme_changed(self) -> None:
        if self._wish == "system":
            self._put_in_force()


def apply_theme(app: QApplication, theme: ThemeName) -> str:
    """Puts a theme in force, now and, for "system", whenever the system changes.

    Returns:
        "dark" or "light".
    """
    return theme_watcher(app).choose(theme)


def theme_watcher(app: QApplication) -> ThemeWatcher:
    """The application's watcher, made on first use."""
    found = app.findChild(ThemeWatcher, "theme_watcher")
    return found if isinstance(found, ThemeWatcher) else ThemeWatcher(app)


def palette_of(colours: ThemeColours) -> QPalette:
    """The palette that widgets and icons take their colours from."""
    role = QPalette.ColorRole
    palette = QPalette()
    for each, value in {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.base,
        role.AlternateBase: colours.window,
        role.Text: colours.text,
        role.PlaceholderText: colours.muted,
        role.Button: colours.raised,
        role.ButtonText: colours.text,
        role.BrightText: colours.text,
        role.Highlight: colours.selection,
        role.HighlightedText: colours.text,
        role.Accent: colours.accent,
        role.ToolTipBase: colours.raised,
        role.ToolTipText: colours.text,
        role.Link: colours.accent,
        role.LinkVisited: colours.accent,
        role.Light: colours.hover,
        role.Midlight: colours.hover,
        role.Mid: colours.border,
        role.Dark: colours.strong_border,
        role.Shadow: colours.base,
    }.items():
        palette.setColor(each, QColor(value))
    for each in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(colours.disabled))
    return palette


def style_sheet(colours: ThemeColours, name: str) -> str:
    """The style sheet of the theme ``name`` ("dark" or "light")."""
    return _template().substitute(asdict(colours), name=name, icons=asset_path("icons").as_posix())


@cache
def _template() -> Template:
    return Template(asset_path("theme", "application.qss").read_text(encoding="utf-8"))
