from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from assets import asset_path
from latentseg_gui.app.actions import ACTIONS
from latentseg_gui.app.theme import DARK, LIGHT, ThemeColours, apply_theme, style_sheet
from latentseg_gui.panels.icons import has_icon, icon
from latentseg_gui.panels.roles import is_dark, role_colour


@pytest.fixture
def app(qapp: QApplication) -> Iterator[QApplication]:
    # Widgets of earlier tests that wait for an event loop to delete them would be restyled each time.
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    palette, sheet, style = qapp.palette(), qapp.styleSheet(), qapp.style().name()
    yield qapp
    qapp.setStyleSheet(sheet)
    qapp.setStyle(style)
    qapp.setPalette(palette)


def contrast(one: QColor, other: QColor) -> float:
    lights = sorted((luminance(one), luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ink(picture: QIcon) -> QColor:
    image = picture.pixmap(32, 32).toImage()
    pixels = [image.pixelColor(x, y) for x in range(32) for y in range(32)]
    return max(pixels, key=lambda colour: colour.alpha())


def test_dark_and_light_are_put_in_force(app: QApplication) -> None:
    assert apply_theme(app, "dark") == "dark"
    assert is_dark(app.palette())
    assert apply_theme(app, "light") == "light"
    assert not is_dark(app.palette())
    assert apply_theme(app, "system") in ("dark", "light")


def test_choosing_again_and_again_makes_one_watcher(app: QApplication) -> None:
    for _ in range(5):
        apply_theme(app, "dark")
    assert len([each for each in app.children() if each.objectName() == "theme_watcher"]) == 1


def test_icons_take_the_colour_of_the_theme_without_being_made_anew(app: QApplication) -> None:
    apply_theme(app, "dark")
    brush = icon("brush")
    assert ink(brush).lightness() > 150
    apply_theme(app, "light")
    assert ink(brush).lightness() < 100


def test_the_theme_reaches_widgets_that_exist(app: QApplication, qtbot: QtBot) -> None:
    button = QPushButton("x")
    qtbot.addWidget(button)
    button.show()
    apply_theme(app, "light")
    assert button.palette().color(QPalette.ColorRole.ButtonText) == QColor(LIGHT.text)
    apply_theme(app, "dark")
    assert button.palette().color(QPalette.ColorRole.ButtonText) == QColor(DARK.text)


@pytest.mark.parametrize("colours", [DARK, LIGHT], ids=["dark", "light"])
def test_text_can_be_read_on_every_ground(colours: ThemeColours) -> None:
    for ground in (colours.window, colours.base, colours.raised, colours.selection):
        assert contrast(QColor(colours.text), QColor(ground)) >= 7
    for ground in (colours.window, colours.base, colours.raised):
        assert contrast(QColor(colours.muted), QColor(ground)) >= 4.5
    assert contrast(QColor(colours.on_accent), QColor(colours.accent)) >= 4.5


@pytest.mark.parametrize("name", ["good", "warn", "bad", "info", "quiet"])
def test_colours_with_a_meaning_can_be_read(app: QApplication, name: str) -> None:
    for theme in ("dark", "light"):
        apply_theme(app, theme)
        palette = app.palette()
        assert contrast(role_colour(name, palette), palette.color(QPalette.ColorRole.Base)) >= 4.5


def test_the_style_sheet_is_filled_and_its_pictures_exist() -> None:
    sheet = style_sheet(DARK, "dark")
    assert "$" not in sheet
    named = {part.split(")")[0] for part in sheet.split("url(")[1:]}
    assert named
    assert all(asset_path("icons", name.rsplit("/", 1)[1]).exists() for name in named)


def test_every_tool_has_an_icon_that_draws_something(app: QApplication) -> None:
    for each in ACTIONS:
        if each.is_tool:
            assert has_icon(each.icon), each.name
            assert ink(icon(each.icon)).alpha() > 200


def test_every_shipped_icon_draws_something(app: QApplication) -> None:
    names = [path.stem for path in asset_path("icons").glob("*.svg")]
    assert len(names) > 60
    blank = [name for name in names if ink(icon(name)).alpha() < 100]
    assert blank == []


def test_an_unknown_icon_is_null(app: QApplication) -> None:
    assert icon("nothing of that name").isNull()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_titles_of_panels_are_not_cut_off_below(app: QApplication, qtbot: QtBot, theme: str) -> None:
    apply_theme(app, theme)  # type: ignore[arg-type]
    window = QMainWindow()
    qtbot.addWidget(window)
    dock = QDockWidget("gjpqy", window)
    dock.setWidget(QWidget())
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    window.resize(400, 200)
    with qtbot.waitExposed(window):
        window.show()
    font = dock.font()
    font.setWeight(QFont.Weight.DemiBold)
    ink = QFontMetrics(font).tightBoundingRect("gjpqy")
    title = dock.grab(QRect(6, 2, 60, dock.widget().y() - 4)).toImage()  # without the line below
    paper = title.pixelColor(0, 0)
    rows = [
        row
        for row in range(title.height())
        if any(contrast(title.pixelColor(col, row), paper) > 1.5 for col in range(title.width()))
    ]
    assert rows[-1] - rows[0] + 1 >= ink.height(), "letters reach below the line, and all of that is seen"
