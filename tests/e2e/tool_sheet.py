"""A sheet of all tools at work: what stands above the canvas and what happens on it, in one picture per theme."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPalette, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication

from latentseg_gui.app.theme import apply_theme
from tests.e2e.person import LEFT, RIGHT, XY, Person

TILE = QSize(520, 380)
COLUMNS = 3
GAP = 14
CAPTION = 26
WIDTH = 1200
QUALITY = 76

Step = Callable[[], object]


class ToolSheet:
    """Uses one tool after the other on the picture that is open, and keeps a tile of each moment.

    Args:
        person: who has a picture open, whose prediction is there.
        themes: "dark", "light".
    """

    def __init__(self, person: Person, themes: tuple[str, ...]) -> None:
        self._person = person
        self._themes = themes
        self._tiles: dict[str, list[tuple[str, QPixmap]]] = {theme: [] for theme in themes}

    def work(self) -> None:
        """The whole round."""
        self._point()
        self._paint()
        self._outline()
        self._fill()
        self._objects()
        self._compare()

    def save(self, folder: Path) -> None:
        """Writes ``tools-THEME.jpg``."""
        for theme in self._themes:
            apply_theme(QApplication.instance(), theme)  # type: ignore[arg-type]
            QTest.qWait(100)
            sheet = self._sheet(self._tiles[theme])
            smooth = Qt.TransformationMode.SmoothTransformation
            sheet.scaledToWidth(WIDTH, smooth).save(str(folder / f"tools-{theme}.jpg"), quality=QUALITY)

    def _show_layer(self, layer: str) -> None:
        options = self._person.window.options.display
        options.set_layer(layer)
        options.layer_requested.emit(layer)

    def _point(self) -> None:
        person = self._person
        self._show_layer("mask")
        person.segment((225.0, 120.0))
        person.click((215.0, 262.0), RIGHT)
        person.wait_for_proposal()
        self._keep("Click: on it, and right on what is not", (230.0, 190.0))
        person.press(Qt.Key.Key_Return)
        self._hold((350.0, 20.0), (400.0, 120.0), (500.0, 250.0))
        self._keep("Click: drag a box round it", (400.0, 130.0))
        self._let_go((500.0, 250.0))
        person.wait_for_proposal()
        person.press(Qt.Key.Key_Return)

    def _paint(self) -> None:
        person, tool = self._person, self._person.session.tool
        person.choose("tool_brush")
        self._hold((120.0, 340.0), (150.0, 320.0), (200.0, 345.0), (250.0, 330.0))
        tool.set_diameter(40)
        self._keep("Brush", (190.0, 330.0))
        self._let_go((250.0, 330.0))
        person.choose("tool_eraser")
        self._hold((150.0, 340.0), (170.0, 330.0), (190.0, 336.0))
        self._keep("Eraser: background, or no label", (190.0, 330.0))
        self._let_go((190.0, 336.0))

    def _outline(self) -> None:
        person = self._person
        person.session.classes.add_class()
        person.press(Qt.Key.Key_2)
        person.choose("tool_polygon")
        corners = ((60.0, 60.0), (120.0, 40.0), (150.0, 90.0), (130.0, 150.0))
        for corner in corners:
            person.click(corner)
        QTest.mouseMove(person.canvas, person.at((70.0, 140.0)))
        self._keep("Polygon: corners can be moved", (140.0, 110.0))
        person.press(Qt.Key.Key_Return)
        person.choose("tool_lasso")
        way = [(330.0, 300.0), (380.0, 290.0), (430.0, 320.0), (440.0, 380.0), (400.0, 420.0), (350.0, 400.0)]
        self._hold(*way)
        self._keep("Lasso", (380.0, 350.0))
        self._let_go((332.0, 310.0))

    def _fill(self) -> None:
        person = self._person
        person.choose("tool_fill")
        person.press(Qt.Key.Key_1)
        person.click((385.0, 350.0))
        self._keep("Fill: the area takes the class in use", (380.0, 350.0))
        person.choose("undo")
        person.choose("tool_wand")
        person.press(Qt.Key.Key_2)
        person.click((40.0, 250.0))
        self._keep("Magic wand: like colours", (120.0, 250.0))
        person.choose("undo")

    def _objects(self) -> None:
        person = self._person
        person.choose("tool_select")
        person.click((225.0, 120.0))
        shift = Qt.KeyboardModifier.ShiftModifier
        QTest.mouseClick(person.canvas, LEFT, shift, person.at((385.0, 350.0)))
        self._keep("Select: then merge, clean, delete", (300.0, 230.0))
        person.choose("tool_split")
        self._hold((330.0, 330.0), (380.0, 350.0), (450.0, 372.0))
        self._keep("Split: a line across an object", (390.0, 350.0))
        self._let_go((455.0, 374.0))
        person.choose("show_objects")
        self._keep("Colours by object", (300.0, 230.0))
        person.choose("show_objects")

    def _compare(self) -> None:
        person = self._person
        person.choose("tool_click")
        self._show_layer("both")
        person.choose("compare_mask")
        self._keep("Mask and prediction side by side", (256.0, 230.0))
        person.choose("compare_mask")

    def _hold(self, *way: XY) -> None:
        """Presses and drags, without letting go."""
        canvas, none = self._person.canvas, Qt.KeyboardModifier.NoModifier
        QTest.mousePress(canvas, LEFT, none, self._person.at(way[0]))
        for xy in way[1:]:
            QTest.mouseMove(canvas, self._person.at(xy))
            QApplication.processEvents()

    def _let_go(self, xy: XY) -> None:
        none = Qt.KeyboardModifier.NoModifier
        QTest.mouseRelease(self._person.canvas, LEFT, none, self._person.at(xy))
        QApplication.processEvents()

    def _keep(self, caption: str, middle: XY) -> None:
        """A tile of this moment in every theme, with ``middle`` of the picture in its middle."""
        for theme in self._themes:
            apply_theme(QApplication.instance(), theme)  # type: ignore[arg-type]
            QTest.qWait(60)
            self._tiles[theme].append((caption, self._tile(middle)))

    def _tile(self, middle: XY) -> QPixmap:
        bar, canvas = self._person.window.options, self._person.canvas
        tile = QPixmap(TILE)
        head = bar.height()
        size = QSize(TILE.width(), TILE.height() - head)
        part = QRect(QPoint(0, 0), size)
        part.moveCenter(self._person.at(middle))
        room = canvas.rect()
        part.moveLeft(max(0, min(part.left(), room.width() - part.width())))
        part.moveTop(max(0, min(part.top(), room.height() - part.height())))
        painter = QPainter(tile)
        painter.fillRect(tile.rect(), canvas.palette().color(QPalette.ColorRole.Window))
        painter.drawPixmap(0, 0, bar.grab(QRect(0, 0, TILE.width(), head)))
        for cut in (each for each in bar.findChildren(QAbstractButton) if each.isVisible()):
            place = QRect(cut.mapTo(bar, QPoint(0, 0)), cut.size())
            if place.left() < TILE.width() <= place.right():  # half a button says nothing
                painter.fillRect(place, canvas.palette().color(QPalette.ColorRole.Window))
        painter.drawPixmap(0, head, canvas.grab(part))
        painter.end()
        return tile

    def _sheet(self, tiles: list[tuple[str, QPixmap]]) -> QImage:
        palette = QApplication.palette()
        rows = -(-len(tiles) // COLUMNS)
        cell = QSize(TILE.width() + GAP, TILE.height() + CAPTION + GAP)
        sheet = QImage(COLUMNS * cell.width() + GAP, rows * cell.height() + GAP, QImage.Format.Format_RGB32)
        sheet.fill(palette.color(QPalette.ColorRole.Window))
        painter = QPainter(sheet)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 1.25)
        painter.setFont(font)
        for number, (caption, tile) in enumerate(tiles):
            x = GAP + number % COLUMNS * cell.width()
            y = GAP + number // COLUMNS * cell.height()
            painter.drawText(QRect(x, y, TILE.width(), CAPTION), Qt.AlignmentFlag.AlignVCenter, caption)
            painter.drawPixmap(x, y + CAPTION, tile)
        painter.end()
        return sheet
