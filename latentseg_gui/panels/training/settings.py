"""Settings for those who want them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QWidget

from latentseg_gui.document.training.learning import LearningSettings, learning_options
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.training.option_fields import OptionField, field_for


class SettingsForm(QWidget):
    """One row for every option of `LearningSettings`; nothing here knows any of them.

    Signals:
        changed: the user set something.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        options = learning_options()
        self._fields: dict[str, OptionField] = {
            name: field_for(option) for name, option in sorted(options.items(), key=lambda each: each[1].row)
        }
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for name, each in self._fields.items():
            title, widget = self.tr(options[name].title), each.widget
            widget.setAccessibleName(title)
            if not widget.toolTip():
                widget.setToolTip(plain(self.tr(options[name].tip)))
            widget.setMinimumWidth(60)
            form.addRow(title, widget)
        self.set_settings(LearningSettings())
        for each in self._fields.values():
            each.edited.connect(self.changed)

    @property
    def settings(self) -> LearningSettings:
        """What is set."""
        chosen: dict[str, Any] = {name: each.setting() for name, each in self._fields.items()}
        return LearningSettings(**chosen)

    def set_settings(self, settings: LearningSettings) -> None:
        """Shows settings."""
        for name, each in self._fields.items():
            each.set_setting(getattr(settings, name))
