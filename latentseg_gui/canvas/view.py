"""The canvas as the window uses it: content through its parts, the hand through signals."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, SignalInstance
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from latentseg_gui.canvas.camera import Camera
from latentseg_gui.canvas.chrome.legend import Legend
from latentseg_gui.canvas.chrome.prompts import PromptMarkers
from latentseg_gui.canvas.chrome.trail import Trail
from latentseg_gui.canvas.intents import CanvasIntents
from latentseg_gui.canvas.keyboard import KeyHandler
from latentseg_gui.canvas.layers.stack import LayerStack
from latentseg_gui.canvas.parts.areas import AreaPart, OutlinePart
from latentseg_gui.canvas.parts.comparison import ComparisonPart
from latentseg_gui.canvas.parts.errors import ErrorsPart
from latentseg_gui.canvas.parts.image import ImagePart
from latentseg_gui.canvas.parts.labels import LabelsPart, PredictionPart
from latentseg_gui.canvas.parts.markers import PinsPart, PromptsPart
from latentseg_gui.canvas.parts.numbers import CategoriesPart, HeatmapPart, NumberKey, UncertaintyPart
from latentseg_gui.canvas.parts.object_names import ObjectNamesPart
from latentseg_gui.canvas.parts.status import StatusPart
from latentseg_gui.canvas.parts.visibility import VisibilityPart
from latentseg_gui.canvas.pointer import PointerHandler
from latentseg_gui.canvas.surface import Surface
from latentseg_gui.canvas.tools import Workplace
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.prediction.proposals import PromptSet

_WHEEL_ZOOM: Final = 1.25
_WHEEL_BRUSH: Final = 1.15


class CanvasView(CanvasIntents):
    """Shows an image with masks, predictions and heatmaps, and hands on what the user does to it.

    It is told everything through its parts and says everything through the signals of
    `CanvasIntents`; it writes to no array and knows neither the document nor the model.

    Attributes:
        camera: what is looked at.
        surface: draws.
        visibility: which layers are on, and the legend.
        image: the photograph.
        labels, prediction: class ids, of the mask and of the model.
        comparison: two arrays of class ids beside each other.
        errors: which pixels the model gets wrong.
        heatmap, categories, uncertainty: numbers over the image, under one `key`.
        proposal, selection: what clicks propose, and the objects that are chosen.
        earlier: objects that were pointed at before, and wait to be accepted.
        outline: corners of the object that is edited.
        candidates: objects that the model has found by itself.
        prompts, pins: markers on pixels.
        object_names: words on objects.
        status: what is being worked on.
        pointer: the mouse, and the tool in the hand.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stack = stack = LayerStack()
        self.camera = camera = Camera(self)
        self.surface = surface = Surface(self, camera)
        markers, trail, outline, legend = PromptMarkers(), Trail(), Trail(), Legend(self.font())
        self.visibility = VisibilityPart(surface, stack, legend)
        self.image = ImagePart(surface, stack.image, camera)
        self.labels = LabelsPart(surface, stack)
        self.prediction = PredictionPart(surface, stack)
        halves = (stack.left, stack.right)
        self.comparison = ComparisonPart(surface, halves, camera, self.visibility, self.font())
        self.errors = ErrorsPart(stack, self.visibility)
        self.key = NumberKey(surface, stack, legend, self.font())
        self.heatmap = HeatmapPart(stack.heatmap, self.key)
        self.categories = CategoriesPart(stack.categories, self.key)
        self.uncertainty = UncertaintyPart(stack.uncertainty, self.key)
        self.proposal = AreaPart(surface, stack.proposal)
        self.earlier = AreaPart(surface, stack.earlier)
        self.candidates = AreaPart(surface, stack.candidates)
        self.selection = AreaPart(surface, stack.selection)
        self.outline = OutlinePart(surface, outline)
        self.status = StatusPart(surface, markers, self)
        self.prompts = PromptsPart(surface, markers, self.status.badge)
        self.pins = PinsPart(surface, self.font())
        self.object_names = ObjectNamesPart(surface, self.font())
        self.pointer = PointerHandler(
            Workplace(self, camera, surface, markers, trail, outline), self.image, self.comparison
        )
        self._keys = KeyHandler(self.pointer, self.image, camera)
        self._empty_widget: QWidget | None = None
        self._turned = 0.0
        surface.add_chrome(
            [self.object_names.item, outline, trail, self.pointer.brush, self.comparison.divider, legend]
        )
        surface.add_chrome([self.pins.markers, self.key.bar, markers])
        surface.add_chrome([self.status.note, self.status.badge, self.status.work_badge, self.image.minimap])
        self.image.leaving.connect(self._on_image_leaving)
        self.image.changed.connect(self._show_empty_widget)
        self._set_up_widget()

    def set_empty_widget(self, widget: QWidget | None) -> None:
        """Lays a widget over the canvas, shown while there is no image; the canvas becomes its parent."""
        if self._empty_widget is not None:
            self._empty_widget.hide()  # without a parent it would be a window
            self._empty_widget.setParent(None)
        self._empty_widget = widget
        if widget is not None:
            widget.setParent(self)
        self._show_empty_widget()

    def _set_up_widget(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Image canvas"))
        self.setAccessibleDescription(
            self.tr(
                "Shows the image with its mask. The tools of the tool bar act here; the menu Help lists the keys."
            )
        )

    def _show_empty_widget(self) -> None:
        if self._empty_widget is not None:
            self._empty_widget.setGeometry(self.rect())
            self._empty_widget.setVisible(not self.image.is_shown)

    def _on_image_leaving(self) -> None:
        """Forgets everything that was about the image."""
        self.pointer.abort_all()
        self.status.set_pending(False)
        self.prompts.set(PromptSet())
        self.prompts.set_waiting(())
        self.prompts.set_coming(())
        for area in (self.proposal, self.earlier, self.candidates, self.selection):
            area.set(None, None)
        self.outline.set(())
        for part in (self.labels, self.prediction, self.heatmap, self.categories, self.uncertainty):
            part.set(None)
        self.comparison.set(None, None)
        self.errors.set(None)
        self.object_names.set(None)

    def _on_native_gesture(self, event: QNativeGestureEvent) -> bool:
        """A pinch on the touchpad zooms."""
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        if self.image.is_shown:
            self.camera.zoom_at(max(0.2, 1.0 + event.value()), event.position())
        return True

    def sizeHint(self) -> QSize:
        """Room enough to work in."""
        return QSize(800, 600)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws what is stale."""
        self.surface.paint(event.rect())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the middle in the middle, and the empty state over the whole canvas."""
        super().resizeEvent(event)
        self.camera.fit_widget()
        self._show_empty_widget()

    def changeEvent(self, event: QEvent) -> None:
        """Follows palette and font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.surface.take_font()
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self.surface.take_ground()

    def event(self, event: QEvent) -> bool:
        """Takes pinches, and keys that shortcuts of the window would take."""
        if isinstance(event, QNativeGestureEvent) and self._on_native_gesture(event):
            return True
        is_override = event.type() == QEvent.Type.ShortcutOverride
        if is_override and self._keys.overrides_shortcut(event):
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begins a gesture."""
        self.pointer.press(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Begins a gesture like any press: fast dabs of a brush arrive as double clicks."""
        self.pointer.press(event, is_double=True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Goes on with a gesture, or hovers."""
        self.pointer.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ends the gesture that its button began."""
        self.pointer.release(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms at the cursor; with Shift it asks for another brush size, with Alt for another meaning of a click.

        Clicks have no size: with the click tool, Shift moves the border of what is proposed.
        """
        steps = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if not self.image.is_shown or not steps:
            event.ignore()
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._resize(steps)
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self._emit_whole(self.meaning_requested, -steps)
        else:
            self.camera.zoom_at(_WHEEL_ZOOM**steps, event.position())
        event.accept()

    def _resize(self, steps: float) -> None:
        if self.pointer.tool is ToolName.CLICK:
            self._emit_whole(self.border_move_requested, steps)
        else:
            self.brush_diameter_change_requested.emit(_WHEEL_BRUSH**steps)

    def _emit_whole(self, signal: SignalInstance, steps: float) -> None:
        """Fine wheels and touchpads send many parts of a step."""
        self._turned += steps
        whole = int(self._turned)
        if whole:
            self._turned -= whole
            signal.emit(whole)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pans, Esc aborts; other keys are for the tool in the hand, then for looking around."""
        if not self._keys.press(event, QPointF(self.rect().center())):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space is let go."""
        if not self._keys.release(event):
            super().keyReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Only the menu key: a right click is up to the tool."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.image.is_shown:
            position = self.pointer.brush.position or QPointF(self.rect().center())
            xy = self.camera.viewport.to_image(position)
            self.context_menu_requested.emit(self.mapToGlobal(position).toPoint(), xy)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Takes the keyboard, for Space and Esc, unless somebody is typing."""
        super().enterEvent(event)
        typing = QApplication.focusWidget()
        if typing is None or not typing.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled):
            self.setFocus(Qt.FocusReason.MouseFocusReason)

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse is no longer over the canvas."""
        super().leaveEvent(event)
        self.pointer.leave()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A Space that is let go elsewhere is not heard."""
        super().focusOutEvent(event)
        self._keys.release_all()

    def hideEvent(self, event: QHideEvent) -> None:
        """What cannot be seen cannot go on."""
        super().hideEvent(event)
        self.pointer.abort_all()
