"""Where the model runs and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """One device in the menu: ``key`` comes back in the signal; ``reason`` says why it is (not) usable."""

    key: str
    text: str
    is_available: bool = True
    reason: str = ""


class DeviceBadge(QToolButton):
    """The device in the status bar; its menu offers the others and a self-test.

    Signals:
        device_requested: the key of a choice.
        self_test_requested: run the self-test.
    """

    device_requested = Signal(str)
    self_test_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._devices = QMenu(self)
        self._devices.setToolTipsVisible(True)
        self.setMenu(self._devices)
        self.setIcon(icon("device"))
        self.setIconSize(QSize(16, 16))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_device(self.tr("starting..."), self.tr("The model is being loaded."))

    def set_device(self, device: str, reason: str) -> None:
        """Shows where the model runs and, as a tool tip, why."""
        self.setText(device)
        self.setToolTip(plain(reason))
        self.setAccessibleName(self.tr("Device: {0}").format(device))
        self.setAccessibleDescription(reason)

    def set_choices(self, choices: Sequence[DeviceEntry], current: str) -> None:
        """Fills the menu; ``current`` is the key that is ticked."""
        self._devices.clear()
        group = QActionGroup(self._devices)
        for choice in choices:
            text = choice.text if choice.is_available else f"{choice.text} ({choice.reason})"
            action = self._devices.addAction(text)
            action.setCheckable(True)
            action.setChecked(choice.key == current)
            action.setEnabled(choice.is_available)
            action.setToolTip(plain(choice.reason))
            action.setData(choice.key)
            action.triggered.connect(self._on_choice_triggered)
            group.addAction(action)
        self._devices.addSeparator()
        self._devices.addAction(self.tr("Self-test...")).triggered.connect(self.self_test_requested)

    def _on_choice_triggered(self) -> None:
        action = self.sender()
        self.device_requested.emit(str(action.data()))  # type: ignore[attr-defined]  # a QAction
