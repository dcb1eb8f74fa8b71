"""One class in the list."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDrag, QFocusEvent, QIcon, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLineEdit, QWidget
from typing_extensions import override

from latentseg_gui.document.masks.classes import SegmentationClass
from latentseg_gui.document.types import BACKGROUND
from latentseg_gui.document.wording import percent
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.pixmaps import swatch
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import icon_button, restyle, state_button, text_label

CLASS_MIME: Final = "application/x-latentseg-class"
_INLINE_MARGIN: Final = 8


class ClassRow(QFrame):
    """Swatch, name, area, key, eye and lock of one class.

    Signals:
        activated: the user chose the class.
        recolour_wanted: the swatch was pressed.
        renamed: the new name.
        visibility_toggled, lock_toggled: the state that the user wants.
        moved: by how many places, from the keyboard.
        delete_wanted: Delete was pressed.
    """

    activated = Signal()
    recolour_wanted = Signal()
    renamed = Signal(str)
    visibility_toggled = Signal(bool)
    lock_toggled = Signal(bool)
    moved = Signal(int)
    delete_wanted = Signal()

    def __init__(self, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = number
        """The place of the class, from 0; up to 9 it is its key."""
        self.class_id = number
        self._entry: SegmentationClass | None = None
        self._pressed_at: QPoint | None = None
        self.setProperty("role", "row")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._swatch = icon_button("colour", self.tr("Change the colour"))
        self._swatch.setIconSize(QSize(16, 16))
        self._swatch.setProperty("role", "state")
        self._name = QLineEdit(self)
        self._name.setProperty("role", "inline")
        self._name.setMinimumWidth(40)
        self._area = text_label("", "hint", is_wrapped=False)
        self._count = text_label("", "muted", is_wrapped=False)
        self._key = text_label("", "key", is_wrapped=False)
        self._key.setFixedWidth(18)
        self._key.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._eye = state_button("eye", self.tr("Show this class"))
        self._lock = state_button("lock", self.tr("Lock this class: no tool changes its pixels"))
        row = QHBoxLayout(self)
        row.setContentsMargins(3, 0, 3, 0)
        row.setSpacing(3)
        row.addWidget(self._swatch)
        row.addWidget(self._name, 1)
        for widget in (self._count, self._area, self._key, self._eye, self._lock):
            row.addWidget(widget)
        row.insertSpacing(row.indexOf(self._area), 3)  # an empty label loses margins of its own
        self.end_rename()
        self._swatch.clicked.connect(self.recolour_wanted)
        self._eye.clicked.connect(self.visibility_toggled)
        self._lock.clicked.connect(self.lock_toggled)
        self._name.editingFinished.connect(self._on_name_edited)
        self._name.installEventFilter(self)

    @property
    def name(self) -> str:
        """The name as it stands in the document."""
        return self._entry.name if self._entry else ""

    def set_entry(self, entry: SegmentationClass, class_id: int) -> None:
        """Shows the state of the class; a name being typed for what is another class now is given up."""
        if entry.name != self.name:
            self.end_rename()
        self._entry, self.class_id = entry, class_id
        if self._name.isReadOnly():
            self._show_name()
        self._swatch.setIcon(QIcon(swatch(QColor(entry.colour), 16, self.devicePixelRatioF())))
        self._eye.setChecked(entry.is_visible)
        self._eye.setIcon(icon("eye" if entry.is_visible else "eye-off"))
        self._lock.setChecked(entry.is_locked)
        self._lock.setIcon(icon("lock" if entry.is_locked else "unlock"))
        self._key.setText(str(self.number) if self.number <= 9 else "·")
        self._key.setToolTip(plain(self.tr("Key {0}").format(self.number) if self.number <= 9 else ""))
        self.setToolTip(plain(entry.name + "\n" + self.tr("Double click renames; drag or Alt+arrow moves.")))
        self._swatch.setAccessibleName(self.tr("Colour of {0}").format(entry.name))
        self._eye.setAccessibleName(self.tr("Show {0}").format(entry.name))
        self._lock.setAccessibleName(self.tr("Lock {0}").format(entry.name))
        self._name.setAccessibleName(self.tr("Name of class {0}").format(self.number))
        self.setAccessibleName(entry.name)

    def set_active(self, is_active: bool) -> None:
        """Highlights the class that tools write."""
        self.setProperty("isActive", is_active)
        restyle(self)

    def set_area(self, pixels: int, total: int) -> None:
        """Shows how much of the image the class covers."""
        share = pixels / total if total else 0.0
        self._area.setText(percent(share, 1) if pixels else "")
        self._area.setToolTip(plain(self.tr("{0} pixels").format(f"{pixels:,}")))

    def set_count(self, here: int | None, everywhere: int) -> None:
        """Shows how many objects the class has on the image and on all images; None where they are not counted."""
        if here is None or not everywhere:
            self._count.setText("")
            return
        self._count.setText(f"{here:,}" if here == everywhere else f"{here:,} / {everywhere:,}")
        text = self.tr("{0} objects on this image, {1} on all images").format(f"{here:,}", f"{everywhere:,}")
        self._count.setToolTip(plain(text))
        self._count.setAccessibleName(text)

    def begin_rename(self) -> None:
        """Makes the name editable in place."""
        if self.class_id == BACKGROUND:
            return
        self._name.setText(self.name)
        self._name.setReadOnly(False)
        self._name.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self._name.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        restyle(self._name)
        self._name.setFocus(Qt.FocusReason.OtherFocusReason)
        self._name.selectAll()

    def end_rename(self) -> None:
        """Makes the name fixed again; what was typed counts for nothing."""
        self._name.setReadOnly(True)
        self._name.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, True)
        self._name.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._name.deselect()
        restyle(self._name)
        self._show_name()

    def _show_name(self) -> None:
        """As much of the name as there is room for; the rest is in the tip."""
        room = self._name.width() - _INLINE_MARGIN
        elided = self._name.fontMetrics().elidedText(self.name, Qt.TextElideMode.ElideRight, room)
        self._name.setText(elided if self._name.isVisible() else self.name)
        self._name.setCursorPosition(0)

    def _on_name_edited(self) -> None:
        if self._name.isReadOnly():
            return
        text = self._name.text().strip()
        self.end_rename()
        if text and text != self.name:
            self.renamed.emit(text)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        has_other_room = event.type() in (QEvent.Type.Resize, QEvent.Type.Show)
        if watched is self._name and has_other_room and self._name.isReadOnly():
            self._show_name()
        return super().eventFilter(watched, event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position().toPoint()
            self.activated.emit()
        super().mousePressEvent(event)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed_at is None or self.class_id == BACKGROUND:
            return
        distance = (event.position().toPoint() - self._pressed_at).manhattanLength()
        if distance >= QApplication.startDragDistance():
            self._pressed_at = None
            drag = QDrag(self)
            mime = QMimeData()
            mime.setData(CLASS_MIME, str(self.class_id).encode())
            drag.setMimeData(mime)
            drag.setPixmap(self.grab())
            drag.exec(Qt.DropAction.MoveAction)

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = None
        self.begin_rename()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        is_alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if key == Qt.Key.Key_Space:
            self.activated.emit()
        elif key == Qt.Key.Key_F2:
            self.begin_rename()
        elif key == Qt.Key.Key_Escape and not self._name.isReadOnly():
            self.end_rename()
            self._name.setText(self.name)
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        elif key == Qt.Key.Key_Delete:
            self.delete_wanted.emit()
        elif is_alt and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(-1 if key == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()
