"""How well the model does on what is labelled: the figure, classes, images, and a view of the errors."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QIcon, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QListWidget, QListWidgetItem, QWidget
from typing_extensions import override

from latentseg_gui.document.evaluation.evaluating import LabelledPixels
from latentseg_gui.panels.evaluation.tables import ClassTableView, ConfusionTable, share_text
from latentseg_gui.panels.evaluation.values import ClassFigures, EvaluationShown, ImageFigures
from latentseg_gui.panels.fields import ComboBox
from latentseg_gui.panels.pixmaps import swatch
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import Scrolled, Segments, text_label

_MOST_IMAGES = 5


class EvaluationPanel(Scrolled):
    """Figures on labelled pixels; a press on one leads to the pixels.

    Signals:
        looked_at: whether anybody sees the panel.
        pixels_requested: the `LabelledPixels` that shall be measured.
        errors_requested: whether the errors shall lie over the image.
        class_requested: class id that the errors shall be about; None for all.
        cell_requested: numbers of the labelled and of the predicted class whose pixels shall be shown.
        image_requested: image that shall be shown.
    """

    looked_at = Signal(bool)
    pixels_requested = Signal(object)
    errors_requested = Signal(bool)
    class_requested = Signal(object)
    cell_requested = Signal(int, int)
    image_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixels = Segments(
            self.tr("Measured on"),
            (
                (
                    LabelledPixels.HELD_OUT,
                    self.tr("Held out"),
                    self.tr("Labelled pixels that these weights have not learned from"),
                ),
                (
                    LabelledPixels.TRAINED_ON,
                    self.tr("Trained on"),
                    self.tr("Labelled pixels in parts of images that these weights have learned from"),
                ),
                (LabelledPixels.ALL, self.tr("All"), self.tr("All labelled pixels")),
            ),
        )
        self._headline = text_label("", "headline")
        self._measured_on = text_label("", "hint")
        self._errors = QCheckBox(self.tr("Show errors"))
        self._errors.setToolTip(self.tr("Lay over the image what is missed and what is wrongly predicted"))
        follow_key(self._errors, "show_errors")
        self._class = ComboBox(self)
        self._class.setAccessibleName(self.tr("Errors of class"))
        self._class.setIconSize(QSize(12, 12))
        self._class.setMinimumContentsLength(8)
        self._classes = ClassTableView()
        self._confusion = ConfusionTable()
        self._images = QListWidget()
        self._images.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._images.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._images.setAccessibleName(self.tr("Images by disagreement with the labels"))
        self._lay_out()
        self._pixels.chosen.connect(lambda key: self.pixels_requested.emit(LabelledPixels(key)))
        self._errors.clicked.connect(self.errors_requested)
        self._class.currentIndexChanged.connect(self._on_class_chosen)
        self._classes.chosen.connect(self._on_row_pressed)
        self._confusion.chosen.connect(self.cell_requested)
        self._images.itemClicked.connect(self._on_image_pressed)
        self._images.itemActivated.connect(self._on_image_pressed)
        self._pixels.set_value(LabelledPixels.HELD_OUT)

    def _lay_out(self) -> None:
        view = QHBoxLayout()
        view.addWidget(self._errors)
        view.addWidget(self._class, 1)
        self.body.addWidget(self._pixels)
        self.body.addWidget(self._headline)
        self.body.addWidget(self._measured_on)
        self.body.addLayout(view)
        self._figures = [
            self._classes,
            text_label(self.tr("Labelled as (rows), predicted as (columns)"), "title"),
            self._confusion,
            text_label(self.tr("Images, the most errors first"), "title"),
            self._images,
        ]
        for widget in self._figures:
            self.body.addWidget(widget)
        self.body.addStretch(1)

    def set_evaluation(self, shown: EvaluationShown) -> None:
        """Shows figures; without any, why there are none."""
        self._headline.setText(shown.headline)
        self._headline.setVisible(bool(shown.headline))
        self._measured_on.setText(shown.measured_on)
        for widget in self._figures:
            widget.setVisible(bool(shown.headline))
        self._classes.set_classes(shown.classes)
        self._confusion.set_confusion(shown.confusion, shown.classes)
        self._set_images(shown.images)

    def set_classes(self, classes: Sequence[ClassFigures], chosen: int | None) -> None:
        """Offers classes whose errors can be shown alone."""
        self._class.blockSignals(True)
        self._class.clear()
        self._class.addItem(self.tr("of all classes"), None)
        for each in classes:
            picture = QIcon(swatch(QColor(each.colour), 12, self.devicePixelRatioF()))
            self._class.addItem(picture, each.name, each.class_id)
        self._class.setCurrentIndex(max(0, self._class.findData(chosen)))
        self._class.blockSignals(False)

    def set_pixels(self, pixels: LabelledPixels) -> None:
        """Shows what is measured."""
        self._pixels.set_value(pixels)

    def set_errors_shown(self, is_on: bool) -> None:
        """Shows whether the errors lie over the image."""
        self._errors.setChecked(is_on)

    def _set_images(self, images: Sequence[ImageFigures]) -> None:
        self._images.clear()
        for each in images:
            words = self.tr("{0} wrong").format(share_text(each.wrong))
            item = QListWidgetItem(f"{words}   {each.name}")
            item.setData(_ID, each.image_id)
            tip = self.tr("{0}: {1} of {2} labelled pixels").format(each.name, words, f"{each.pixels:,}")
            item.setToolTip(plain(tip))
            self._images.addItem(item)
        rows = min(max(1, len(images)), _MOST_IMAGES)
        self._images.setFixedHeight(rows * (self.fontMetrics().height() + 12) + 6)

    def _on_class_chosen(self) -> None:
        self.class_requested.emit(self._class.currentData())

    def _on_row_pressed(self, class_id: int) -> None:
        self._class.setCurrentIndex(max(0, self._class.findData(class_id)))
        self.errors_requested.emit(True)

    def _on_image_pressed(self, item: QListWidgetItem) -> None:
        self.image_requested.emit(item.data(_ID))

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.looked_at.emit(True)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.looked_at.emit(False)


_ID = 256
"""Qt's first role for data of one's own."""
