"""Whether the weights use their experts at all: what an even mix would cost, in a sentence."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.document.training.mix_worth import MixWorth
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.widgets import text_label

LEAST_COST = 0.05
"""An even mix that costs less of the mean IoU says that the maps below decide little."""


class MixNote(QFrame):
    """A sentence on the weights in use, and a button that measures it on what the user labelled.

    Signals:
        measuring_wanted: the button was pressed.
    """

    measuring_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "inset")
        self._text = text_label()
        self._measure = QPushButton(icon("refresh"), self.tr("Measure on my labels"))
        self._measure.setToolTip(
            self.tr("Predicts the labelled images with the learned mix of experts and with an even one")
        )
        row = QHBoxLayout()
        row.addWidget(self._measure)
        row.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 8, 10, 8)
        whole.setSpacing(4)
        whole.addWidget(self._text)
        whole.addLayout(row)
        self._measure.clicked.connect(self.measuring_wanted)
        self.hide()  # until somebody knows what to say

    @property
    def text(self) -> str:
        """What is said."""
        return self._text.text()

    def set_worth(
        self,
        worth: MixWorth | None,
        *,
        can_measure: bool,
        is_measuring: bool = False,
        has_experts: bool = True,
    ) -> None:
        """Says what is known of the weights in use.

        Args:
            worth: what was measured; None where nothing was.
            can_measure: whether there are labels that were not measured with.
            is_measuring: whether that is under way.
            has_experts: whether there is anything to say.
        """
        self.setVisible(has_experts)
        self._measure.setVisible(can_measure and not is_measuring)
        self._text.setText(self._measuring() if is_measuring else self._sentence(worth))

    def _measuring(self) -> str:
        return self.tr("Measuring what an even mix of the experts would cost...")

    def _sentence(self, worth: MixWorth | None) -> str:
        if worth is None:
            return self.tr(
                "How much these weights use their experts was not measured: label some pixels to find out."
            )
        figures = self.tr("{0} instead of {1}, {2}").format(
            f"{worth.even:.2f}", f"{worth.learned:.2f}", self._where(worth)
        )
        if worth.cost >= LEAST_COST:
            text = self.tr(
                "These weights use their experts: an even mix would cost {0} of the mean IoU ({1})."
            )
            return text.format(f"{worth.cost:.2f}", figures)
        text = self.tr(
            "These weights hardly use their experts: an even mix changes the mean IoU by {0} ({1}). The maps show "
            "where experts look, and little of what decides."
        )
        return text.format(f"{-worth.cost:+.2f}", figures)

    def _where(self, worth: MixWorth) -> str:
        if not worth.is_own:
            return self.tr("on {0} held-out pictures").format(worth.images)
        if worth.images == 1:
            return self.tr("on your labels of one image")
        return self.tr("on your labels of {0} images").format(worth.images)
