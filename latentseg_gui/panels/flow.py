"""A layout that wraps its items like words, so that a bar of controls fits any width."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMargins, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


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
        self.setSpacing(spacing)
        self.setContentsMargins(margins, margins, margins, margins)

    def keep_together(self, widgets: Sequence[QWidget]) -> None:
        """Starts a new line before the first of these where all of them fit on one, but not on its line."""
        self._together = tuple(widgets)

    def _width_together(self) -> int:
        sizes = [each.sizeHint().width() for each in self._together if not each.isHidden()]
        return sum(sizes) + self.spacing() * (len(sizes) - 1)

    def _arrange(self, rect: QRect, *, is_dry_run: bool) -> int:
        """Places the items inside ``rect`` (or only pretends to) and returns the height used."""
        margins: QMargins = self.contentsMargins()
        area = rect.marginsRemoved(margins)
        line: list[tuple[QLayoutItem, QSize]] = []
        x, y, line_height = area.x(), area.y(), 0
        for item in self._items:
            if item.isEmpty():
                continue
            size = item.sizeHint()
            size.setWidth(min(size.width(), max(area.width(), item.minimumSize().width())))
            needed = size.width()
            if self._together and item.widget() is self._together[0]:
                together = self._width_together()
                needed = together if together <= area.width() else needed
            if line and x + needed > area.right() + 1:
                self._place(line, area.x(), y, line_height, is_dry_run=is_dry_run)
                line, x, y, line_height = [], area.x(), y + line_height + self.spacing(), 0
            line.append((item, size))
            x += size.width() + self.spacing()
            line_height = max(line_height, size.height())
        self._place(line, area.x(), y, line_height, is_dry_run=is_dry_run)
        return y + line_height - rect.y() + margins.bottom()

    def _place(
        self, line: list[tuple[QLayoutItem, QSize]], x: int, y: int, height: int, *, is_dry_run: bool
    ) -> None:
        if is_dry_run:
            return
        for item, size in line:
            down = 0 if self._is_top_aligned else (height - size.height()) // 2
            item.setGeometry(QRect(QPoint(x, y + down), size))
            x += size.width() + self.spacing()

    def addItem(self, item: QLayoutItem) -> None:
        """Qt: takes an item."""
        self._items.append(item)

    def count(self) -> int:
        """Qt: how many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # Qt asks past the end
        """Qt: an item, None past the end."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # Qt asks past the end
        """Qt: hands an item back, None past the end."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Qt: the layout does not grow by itself."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Qt: the height follows from the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Qt: the height that ``width`` needs."""
        return self._arrange(QRect(0, 0, width, 0), is_dry_run=True)

    def setGeometry(self, rect: QRect) -> None:
        """Qt: places the items."""
        super().setGeometry(rect)
        self._arrange(rect, is_dry_run=False)

    def sizeHint(self) -> QSize:
        """Qt: as small as possible."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """Qt: the widest item decides."""
        size = QSize()
        for item in self._items:
            if not item.isEmpty():
                size = size.expandedTo(item.minimumSize())
        margins = self.contentsMargins()
        return size + QSize(margins.left() + margins.right(), margins.top() + margins.bottom())
