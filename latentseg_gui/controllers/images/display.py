"""The document -> the canvas: which layers lie over the image, in which colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from latentseg_gui.canvas.view import CanvasView
from latentseg_gui.controllers.interfaces import Window
from latentseg_gui.controllers.masks.object_view import hidden_objects, object_codes, object_colours
from latentseg_gui.document.coords import is_inside, rc_from_xy
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.layers import MaskLayer
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal
from latentseg_gui.document.prediction.separating import parted
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Rect
from latentseg_gui.document.wording import percent
from latentseg_gui.io.project.manifest import knows_classes

_UNKNOWN_CLASS = (160, 160, 160, 255)
_MOST_SHADES = 100
"""Numbers by which areas that touch are told apart."""

_SURE = 255.0
"""A confidence of 100 %."""

NEUTRAL = np.full((256, 4), (205, 205, 205, 255), np.uint8)
"""Colours of what untaught weights call foreground, which is none of the user's classes."""
NEUTRAL[[BACKGROUND, UNLABELLED]] = 0

SURE_FOREGROUND = 204
"""Confidence, of 255, from which untaught weights are shown: what they only suppose would hide the picture."""


@dataclass(slots=True)
class DisplayOptions:
    """What the user has switched on.

    Attributes:
        layers: "both", "mask" or "prediction".
        show_uncertainty: whether the uncertainty of the prediction lies over the image.
        show_objects: whether the mask is coloured by object instead of by class.
    """

    layers: str = "mask"
    show_uncertainty: bool = False
    show_objects: bool = False


class DisplayController(QObject):
    """Redraws exactly what the document says has changed."""

    def __init__(
        self, document: Document, canvas: CanvasView, *, window: Window, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._canvas = canvas
        self._window = window
        self.options = DisplayOptions()
        self._shown: str | None = None
        self._places: tuple[int, int] | None = None
        self._cursor: tuple[float, float] | None = None
        events = document.events
        events.current_changed.connect(self._on_current_changed)
        events.record_changed.connect(self._on_record_changed)
        events.mask_changed.connect(self._on_mask_changed)
        events.marks_changed.connect(self._on_marks_changed)
        events.prediction_changed.connect(self._on_prediction_changed)
        events.proposal_changed.connect(self._on_proposal_changed)
        events.prompts_changed.connect(self._on_prompts_changed)
        events.earlier_changed.connect(self._on_earlier_changed)
        events.classes_changed.connect(self.refresh_colours)
        events.active_class_changed.connect(self._on_active_class_changed)
        canvas.cursor_moved.connect(self._on_cursor_moved)
        canvas.cursor_left.connect(self._on_cursor_left)
        self.refresh_colours()

    def set_layers(self, layers: str) -> None:
        """Shows "mask", "prediction" or "both"."""
        self.options.layers = layers
        self._show_labels()
        self._show_prediction()

    def set_uncertainty_visible(self, is_visible: bool) -> None:
        """Shows where the prediction is unsure, or no longer."""
        self.options.show_uncertainty = is_visible
        self._show_prediction()

    def set_objects_visible(self, is_visible: bool) -> None:
        """Colours the mask by object, or by class again."""
        self.options.show_objects = is_visible
        self._show_labels()
        self._show_prediction()

    def refresh_colours(self) -> None:
        """Takes the colours of the classes again; the hidden ones stay clear, labelled background is hatched."""
        is_veiled = self._document.classes[BACKGROUND].is_visible
        self._canvas.labels.set_colours(label_colours(self._document), BACKGROUND if is_veiled else None)
        if self.options.show_objects:
            self._show_labels()
        self._on_active_class_changed(self._document.active_class)
        self._describe()

    def _on_active_class_changed(self, class_id: int) -> None:
        if class_id in self._document.classes.ids:
            for area in (self._canvas.proposal, self._canvas.earlier):
                area.set_colour(self._document.classes[class_id].colour)

    def _on_current_changed(self, image_id: str | None) -> None:
        self._shown = self._cursor = None
        self._describe()  # what it said was about the image before
        if image_id is None:
            self._canvas.image.clear()
            return
        self._show_image(image_id)

    def _on_record_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id and self._shown != image_id:
            self._show_image(image_id)

    def _show_image(self, image_id: str) -> None:
        record = self._document.records.of(image_id)
        if record is None:
            return
        self._shown = image_id
        self._canvas.image.set(record.pixels)
        self._show_labels()
        self._show_prediction()
        self._on_prompts_changed(image_id)
        self._on_earlier_changed(image_id)
        self._on_proposal_changed(image_id)

    def _show_labels(self) -> None:
        image_id, self._places = self._shown, None
        if image_id is None or self.options.layers == "prediction":
            self._canvas.labels.set(None)
            return
        layer = self._document.masks.layer(image_id)
        self._places = _places_of(layer)
        if not layer.is_touched:
            self._canvas.labels.set(None)
        elif self.options.show_objects:
            codes, colours = object_codes(self._document, image_id), object_colours(self._document)
            self._canvas.labels.set(layer.labels, codes, colours, hidden_objects(layer))
        else:
            self._canvas.labels.set(layer.labels, hidden=hidden_objects(layer))

    def _show_prediction(self) -> None:
        image_id = self._shown
        prediction = self._document.predictions.of(image_id) if image_id is not None else None
        # A prediction has no objects: beside theirs, its colours would say something that is not so.
        shows = self.options.layers != "mask" and not self.options.show_objects
        shown = prediction if shows else None
        self._canvas.prediction.set(
            None if shown is None else first_look(shown) if is_untaught(shown) else parted(shown),
            NEUTRAL if shown is not None and is_untaught(shown) else None,
        )
        is_unsure = prediction is not None and self.options.show_uncertainty
        self._canvas.uncertainty.set(
            prediction.confidence if prediction is not None and is_unsure else None,
            value_range=(_SURE, 0.0),
            caption=self.tr("Unsure: how likely another class is than the one shown"),
        )

    def _on_mask_changed(self, image_id: str, rect: Rect) -> None:
        if image_id == self._shown:
            self._describe()
        if image_id != self._shown or self.options.layers == "prediction":
            return
        if self._places == _places_of(self._document.masks.layer(image_id)):
            self._canvas.labels.update(rect)
        else:
            self._show_labels()

    def _on_marks_changed(self, image_id: str) -> None:
        if image_id == self._shown:
            self._show_labels()

    def _on_prediction_changed(self, image_id: str) -> None:
        if image_id == self._shown:
            self._show_prediction()
            self._describe()

    def _on_proposal_changed(self, image_id: str) -> None:
        if image_id != self._shown:
            return
        proposal = self._document.prompts.proposal(image_id)
        if proposal is None or proposal.rect.is_empty:
            self._canvas.proposal.set(None, None)
        else:
            self._canvas.proposal.set(proposal.rect, proposal.mask)

    def _on_prompts_changed(self, image_id: str) -> None:
        if image_id == self._shown:
            self._canvas.prompts.set(self._document.prompts.of(image_id))

    def _on_earlier_changed(self, image_id: str) -> None:
        if image_id == self._shown:
            earlier = self._document.prompts.earlier(image_id)
            self._canvas.earlier.set(
                *_numbered([each.proposal for each in earlier if each.proposal is not None])
            )
            self._canvas.prompts.set_waiting([each.prompts for each in earlier if each.proposal is None])

    def _on_cursor_left(self) -> None:
        self._cursor = None
        self._describe()

    def _on_cursor_moved(self, x: float, y: float) -> None:
        self._cursor = (x, y)
        self._describe()

    def _describe(self) -> None:
        """Says what is under the cursor, also where that has changed under one that stands still."""
        image_id = self._shown
        if self._cursor is None:
            self._window.set_cursor_text("")
            return
        rc = rc_from_xy(self._cursor)
        if image_id is None or not is_inside(rc, self._document.masks.layer(image_id).shape):
            self._window.set_cursor_text("")
            return
        self._window.set_cursor_text(describe_pixel(self._document, image_id, rc))


def _numbered(proposals: Sequence[MaskProposal]) -> tuple[Rect | None, NDArray[np.uint8] | None]:
    """Proposals as numbers from 1 in the box of all of them, so that each has an outline; (None, None) of none."""
    box = Rect(0, 0, 0, 0)
    for each in proposals:
        box = box.union(each.rect)
    if box.is_empty:
        return None, None
    numbers = np.zeros(box.shape, np.uint8)
    for index, each in enumerate(proposals):
        row, col = each.rect.row0 - box.row0, each.rect.col0 - box.col0
        rows, cols = each.rect.shape
        numbers[row : row + rows, col : col + cols][each.mask] = index % _MOST_SHADES + 1
    return box, numbers


def _places_of(layer: MaskLayer) -> tuple[int, int]:
    """Where its arrays are: the first write makes them, a mask that is read takes their place."""
    labels, instances = layer.labels, layer.instances
    return labels.__array_interface__["data"][0], instances.__array_interface__["data"][0]


def is_untaught(prediction: Prediction) -> bool:
    """Whether its weights tell foreground from background as the shipped ones do, and know no class."""
    return not knows_classes(prediction.version)


def first_look(prediction: Prediction) -> NDArray[np.uint8]:
    """What is shown of untaught weights, uint8 [H, W]: the foreground that they are sure of."""
    return np.where(prediction.confidence >= SURE_FOREGROUND, parted(prediction), np.uint8(BACKGROUND))


def describe_pixel(document: Document, image_id: str, rc: tuple[int, int]) -> str:
    """Position, class and confidence of a pixel, for the status bar."""
    text = f"x {rc[1]}  y {rc[0]}"
    names = dict(document.classes.named_ids)
    label = int(document.masks.labels(image_id)[rc])
    if label in names:
        return f"{text}   {names[label]} (labelled)"
    prediction = document.predictions.of(image_id)
    if prediction is None:
        return text
    said = int(prediction.labels[rc])
    name = names.get(said, f"class {said}")
    if said != BACKGROUND and is_untaught(prediction):
        name = "foreground"
    return f"{text}   {name} {percent(float(prediction.confidence[rc]) / 255)} (predicted)"


def label_colours(document: Document) -> NDArray[np.uint8]:
    """RGBA by class id, uint8 [256, 4]; background, hidden classes and `UNLABELLED` are clear."""
    table = np.empty((256, 4), np.uint8)
    table[:] = _UNKNOWN_CLASS
    classes = document.classes
    table[list(classes.ids), :3] = classes.rgb
    table[list(classes.ids), 3] = [255 if entry.is_visible else 0 for entry in classes]
    table[BACKGROUND, 3] = 0
    table[UNLABELLED] = 0
    return table
