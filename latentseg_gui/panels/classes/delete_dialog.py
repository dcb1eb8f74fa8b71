"""The question before a class is deleted: what becomes of its pixels."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.panels.fields import ComboBox
from latentseg_gui.panels.widgets import text_label


class DeleteClassDialog(QDialog):
    """Says how many pixels are concerned and asks what they shall become; show it with ``open()``.

    Signals:
        confirmed: the class id that the pixels get, `UNLABELLED` for none.
    """

    confirmed = Signal(int)

    def __init__(
        self,
        name: str,
        pixels: int,
        images: int,
        targets: Sequence[tuple[int, str]],
        parent: QWidget | None = None,
    ) -> None:
        """``targets`` are the classes (id, name) that may take the pixels over."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Delete class"))
        self.setMinimumWidth(340)
        self._choice = ComboBox(self)
        self._choice.setAccessibleName(self.tr("Its pixels become"))
        self._choice.addItem(self.tr("unlabelled"), UNLABELLED)
        for class_id, text in targets:
            self._choice.addItem(text, class_id)
        self._choice.setEnabled(pixels > 0)
        if pixels:
            one = self.tr("{0} pixels in 1 image have this class. They become:")
            many = self.tr("{0} pixels in {1} images have this class. They become:")
            fact = one if images == 1 else many
            fact = fact.format(f"{pixels:,}", images)
        else:
            fact = self.tr("No pixel has this class.")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        buttons.addButton(self.tr("Delete"), QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)
        whole = QVBoxLayout(self)
        whole.setSpacing(10)
        whole.addWidget(text_label(self.tr("Delete “{0}”?").format(name), "title"))
        whole.addWidget(text_label(fact))
        whole.addWidget(self._choice)
        whole.addWidget(text_label(self.tr("This can be undone."), "hint"))
        whole.addWidget(buttons)

    def set_target(self, class_id: int) -> None:
        """Chooses what the pixels become."""
        self._choice.setCurrentIndex(self._choice.findData(class_id))

    def _on_accepted(self) -> None:
        self.confirmed.emit(int(self._choice.currentData()))
        self.accept()
