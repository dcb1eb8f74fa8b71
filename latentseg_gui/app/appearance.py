"""The theme that the user has chosen: put in force, ticked in the menu, remembered."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QApplication

from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.preferences import Preferences, preferences_path, save_preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.theme import ThemeName, apply_theme
from latentseg_gui.document.errors import LatentsegError

THEMES: tuple[ThemeName, ...] = ("system", "dark", "light")


class Appearance(QObject):
    """Connects the three themes of the menu View, of which exactly one is ticked."""

    def __init__(self, window: MainWindow, preferences: Preferences, reporter: Reporter) -> None:
        super().__init__(window)
        self._preferences = preferences
        self._reporter = reporter
        group = QActionGroup(self)
        for theme in THEMES:
            action = window.action[f"theme_{theme}"]
            group.addAction(action)
            action.setChecked(theme == preferences.theme)
            action.triggered.connect(partial(self.choose, theme))

    def choose(self, theme: ThemeName, _: bool = True) -> None:
        """Puts a theme in force, now and at every start from now on."""
        application = QApplication.instance()
        if theme == self._preferences.theme or not isinstance(application, QApplication):
            return
        apply_theme(application, theme)
        self._preferences.theme = theme
        try:
            save_preferences(preferences_path(), self._preferences)
        except LatentsegError as error:
            self._reporter.report(error)
