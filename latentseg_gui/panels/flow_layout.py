"""A layout that wraps its items like words, so that a bar of controls fits any width."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget
from typing_extensions import override

Line = list[tuple[QLayoutItem, QSize]]


class FlowLayout(QLayout):
    """Items from left to right, a new line where the width is used up; hidden ones take no room."""

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        spacing: int = 6,
        margins: int = 0,
        is_top_aligned: bool = False,
    ) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._is_top_aligned = is_top_aligned
        self._together: tuple[QWidget, ...] = ()
        self._choices: tuple[tuple[QWidget, ...], ...] = ()
        self._changing: set[QWidget] = set()
        self.setSpacing(spacing)
        self.setContentsMargins(margins, margins, margins, margins)

    def keep_together(self, widgets: Sequence[QWidget]) -> None:
        """Starts a new line before the first of these where all of them fit on one, but not on its line."""
        self._together = tuple(widgets)

    def keep_height(self, choices: Sequence[Collection[QWidget]]) -> None:
        """Is as high as the highest of these choices needs, whichever of them is shown now.

        What is kept together starts a new line for all of them where one of them needs that.
        """
        self._choices = tuple(tuple(each) for each in choices)
        self._changing = {widget for each in choices for widget in each}

    def _shown(self, choice: Collection[QWidget] | None) -> list[QLayoutItem]:
        """The items in view while ``choice`` is shown; now, for None."""
        if choice is None:
            return [item for item in self._items if not item.isEmpty()]
        others = [item for item in self._items if item.widget() not in self._changing and not item.isEmpty()]
        return [item for item in self._items if item in others or item.widget() in choice]

    def _has_break(self, area: QRect) -> bool:
        """Whether what is kept together starts a new line."""
        for choice in self._choices or (None,):
            shown = self._shown(choice)
            before = [item for item in shown if item.widget() not in self._together]
            room, width = self._width(before), self._width([item for item in shown if item not in before])
            if room and width and room + self.spacing() + width > area.width():
                return True
        return False

    def _width(self, items: Sequence[QLayoutItem]) -> int:
        """Of these on one line."""
        return sum(_size_of(item).width() for item in items) + self.spacing() * max(len(items) - 1, 0)

    def _blocks(self, area: QRect, choice: Collection[QWidget] | None) -> tuple[list[Line], list[Line]]:
        """The lines above what is kept together, and its own; all lines where it does not start a new one."""
        shown = self._shown(choice)
        if not self._has_break(area):
            return self._lines(area, shown), []
        together = [item for item in shown if item.widget() in self._together]
        return self._lines(area, [item for item in shown if item not in together]), self._lines(
            area, together
        )

    def _lines(self, area: QRect, items: Sequence[QLayoutItem]) -> list[Line]:
        """The items of each line, with their sizes."""
        lines: list[Line] = []
        x = 0
        for item in items:
            size = _size_of(item)
            size.setWidth(min(size.width(), max(area.width(), _least(item).width())))
            if not lines or x + size.width() > area.width():
                lines.append([])
                x = 0
            lines[-1].append((item, size))
            x += size.width() + self.spacing()
        return lines

    def _height(self, lines: Sequence[Line]) -> int:
        heights = [max((size.height() for _, size in line), default=0) for line in lines]
        return sum(heights) + self.spacing() * max(len(lines) - 1, 0)

    def _heights(self, area: QRect) -> tuple[int, int]:
        """Of the two blocks, whatever is shown."""
        blocks = [self._blocks(area, choice) for choice in self._choices or (None,)]
        above, below = ([self._height(each[part]) for each in blocks] for part in (0, 1))
        return max(above), max(below)

    def _place(self, lines: Sequence[Line], area: QRect, y: int, room: int) -> None:
        """Places lines from ``y`` down; a single one lies in the middle of its ``room``."""
        for line in lines:
            height, x = max(self._height([line]), room if len(lines) == 1 else 0), area.x()
            for item, size in line:
                down = 0 if self._is_top_aligned else (height - size.height()) // 2
                item.setGeometry(QRect(QPoint(x, y + down), size))
                x += size.width() + self.spacing()
            y += height + self.spacing()

    @override
    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    @override
    def count(self) -> int:
        return len(self._items)

    @override
    def itemAt(self, index: int) -> QLayoutItem | None:  # Qt asks past the end
        return self._items[index] if 0 <= index < len(self._items) else None

    @override
    def takeAt(self, index: int) -> QLayoutItem | None:  # Qt asks past the end
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    @override
    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    @override
    def hasHeightForWidth(self) -> bool:
        return True

    @override
    def heightForWidth(self, width: int) -> int:
        margins = self.contentsMargins()
        area = QRect(0, 0, width - margins.left() - margins.right(), 0)
        above, below = self._heights(area)
        between = self.spacing() if above and below else 0
        return above + between + below + margins.top() + margins.bottom()

    @override
    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        area = rect.marginsRemoved(self.contentsMargins())
        above, below = self._blocks(area, None)
        room, _ = self._heights(area)
        self._place(above, area, area.y(), room)
        self._place(below, area, area.y() + room + self.spacing(), 0)

    @override
    def sizeHint(self) -> QSize:
        return self.minimumSize()

    @override
    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            if not item.isEmpty() or item.widget() in self._changing:
                size = size.expandedTo(_least(item))
        margins = self.contentsMargins()
        return size + QSize(margins.left() + margins.right(), margins.top() + margins.bottom())


def _size_of(item: QLayoutItem) -> QSize:
    """What an item would like to have, also while it is hidden."""
    widget = item.widget()
    return item.sizeHint() if widget is None else _size(widget)


def _size(widget: QWidget) -> QSize:
    wanted = widget.sizeHint().expandedTo(widget.minimumSizeHint())
    return wanted.boundedTo(widget.maximumSize()).expandedTo(widget.minimumSize())


def _least(item: QLayoutItem) -> QSize:
    """What an item needs, also while it is hidden."""
    widget = item.widget()
    if widget is None:
        return item.minimumSize()
    return widget.minimumSizeHint().expandedTo(widget.minimumSize()).boundedTo(widget.maximumSize())
