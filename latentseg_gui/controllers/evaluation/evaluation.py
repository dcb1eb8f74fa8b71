"""The evaluation panel: figures of all labelled images, and the way from a figure to its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from latentseg_gui.controllers.evaluation.errors_view import ErrorsView
from latentseg_gui.controllers.evaluation.measuring import Measuring
from latentseg_gui.controllers.images.images import ImagesController
from latentseg_gui.controllers.images.region_navigator import RegionNavigator
from latentseg_gui.document.document import Document
from latentseg_gui.document.evaluation.evaluating import Agreement, LabelledPixels, total
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.panels.evaluation import ClassFigures, EvaluationPanel, EvaluationShown, ImageFigures
from model.analysis.metrics import iou_per_class, mean_iou


class EvaluationController(QObject):
    """Shows what is measured, and goes where a press on it points."""

    def __init__(
        self,
        document: Document,
        panel: EvaluationPanel,
        *,
        measuring: Measuring,
        errors: ErrorsView,
        images: ImagesController,
        navigator: RegionNavigator,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._measuring = measuring
        self._errors = errors
        self._navigator = navigator
        self._pixels = LabelledPixels.HELD_OUT
        self._is_seen = False
        self._total = total((), self._pixels, len(document.classes))
        measuring.changed.connect(self._show)
        errors.changed.connect(panel.set_errors_shown)
        document.events.classes_changed.connect(self._on_classes_changed)
        panel.looked_at.connect(self._on_looked_at)
        panel.pixels_requested.connect(self.choose_pixels)
        panel.errors_requested.connect(errors.set_on)
        panel.class_requested.connect(errors.set_class)
        panel.cell_requested.connect(self.go_to_cell)
        panel.image_requested.connect(images.show)
        self._on_classes_changed()

    @property
    def agreement(self) -> Agreement:
        """What is shown, over all images."""
        return self._total

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live."""
        self._measuring.use_weights(weights)
        self._errors.use_weights(weights)

    def choose_pixels(self, pixels: LabelledPixels) -> None:
        """Measures on other labelled pixels."""
        self._pixels = pixels
        self._panel.set_pixels(pixels)
        self._errors.set_pixels(pixels)
        self._show()

    def go_to_cell(self, labelled: int, predicted: int) -> None:
        """Shows the largest spot that is labelled as one class number and predicted as another."""
        region = self._total.regions.get((labelled, predicted))
        if region is not None:
            self._errors.set_on(True)
            self._navigator.go_to(region.image_id, region.rect)

    def _on_looked_at(self, is_seen: bool) -> None:
        self._is_seen = is_seen
        self._measuring.set_on(is_seen)
        self._show()

    def _on_classes_changed(self) -> None:
        self._show()
        self._panel.set_classes(self._figures(self._total.confusion), self._errors.class_id)

    def _show(self) -> None:
        evaluations = self._measuring.evaluations
        classes, pixels = self._document.classes, self._pixels
        self._total = total(evaluations.values(), pixels, len(classes))
        if not self._is_seen:
            return
        images = [
            ImageFigures(
                image_id, self._document.images.name(image_id), part.wrong / part.pixels, part.pixels
            )
            for image_id, part in ((each, known.on(pixels)) for each, known in evaluations.items())
            if part.pixels
        ]
        images.sort(key=lambda each: (-each.wrong, -each.pixels))
        measured = self._total.pixels
        headline = self.tr("Mean IoU {0:.3f}").format(mean_iou(self._total.confusion)) if measured else ""
        words = self._measured_on(len(images)) if measured else self._why_none()
        confusion = self._total.confusion
        shown = EvaluationShown(headline, words, self._figures(confusion), confusion, tuple(images))
        self._panel.set_evaluation(shown)

    def _figures(self, confusion: NDArray[np.int64]) -> tuple[ClassFigures, ...]:
        hit = np.diag(confusion)
        labelled, predicted = confusion.sum(1), confusion.sum(0)
        classes = self._document.classes
        return tuple(
            ClassFigures(
                class_id,
                entry.name,
                entry.colour,
                float(iou),
                _rest(int(hit[number]), int(labelled[number])),
                _rest(int(hit[number]), int(predicted[number])),
            )
            for number, (class_id, entry, iou) in enumerate(
                zip(classes.ids, classes, iou_per_class(confusion), strict=True)
            )
        )

    def _measured_on(self, num_images: int) -> str:
        images = self.tr("1 image") if num_images == 1 else self.tr("{0} images").format(num_images)
        words = {
            LabelledPixels.HELD_OUT: self.tr(
                "On {0} labelled pixels of {1} that “{2}” has not learned from."
            ),
            LabelledPixels.TRAINED_ON: self.tr(
                "On {0} labelled pixels in parts of {1} that “{2}” has learned from: there it looks better than "
                "it is."
            ),
            LabelledPixels.ALL: self.tr(
                "On all {0} labelled pixels of {1}, with those that “{2}” has learned from."
            ),
        }[self._pixels]
        version = "" if self._measuring.weights is None else self._measuring.weights.version
        said = words.format(f"{self._total.pixels:,}", images, version)
        return f"{said} {self._still_waiting()}".strip()

    def _still_waiting(self) -> str:
        waiting = self._measuring.waiting
        if not waiting:
            return ""
        return (
            self.tr("1 image is still being compared.")
            if waiting == 1
            else self.tr("{0} images are still being compared.").format(waiting)
        )

    def _why_none(self) -> str:
        weights = self._measuring.weights
        if not self._document.masks.labelled_ids():
            return self.tr(
                "Nothing is labelled yet. Label something, then fine-tune: here you see how well it went."
            )
        if weights is None:
            return self.tr(
                "The weights that come with the program know none of your classes: fine-tune first."
            )
        if self._measuring.waiting:
            return self._still_waiting()
        if self._pixels is LabelledPixels.TRAINED_ON:
            return self.tr("“{0}” has not learned from what is labelled now.").format(weights.version)
        return self.tr(
            "“{0}” has learned from everything that you have labelled by hand, so nothing is left to measure on. "
            "Label something on another image, or look at “Trained on”."
        ).format(weights.version)


def _rest(part: int, whole: int) -> float:
    return 1 - part / whole if whole else float("nan")
