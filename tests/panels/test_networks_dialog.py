"""The dialog in which networks are compared: what is chosen from is in sight."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QListWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.document.training.learning import NetworkChoice
from latentseg_gui.panels.training.networks_dialog import NetworksDialog

CHOICES = tuple(
    NetworkChoice(f"network-{number}", f"Network {number}", "For cells.", "Much else.", 1_000_000)
    for number in range(15)
)


def rows_in_sight(networks: QListWidget) -> int:
    QApplication.processEvents()
    view = networks.viewport().rect()
    places = [networks.visualItemRect(networks.item(row)) for row in range(networks.count())]
    return sum(view.contains(each) for each in places)


def test_all_networks_are_in_sight_until_there_is_something_else_to_show(qtbot: QtBot) -> None:
    dialog = NetworksDialog()
    qtbot.addWidget(dialog)
    dialog.set_networks(CHOICES)
    dialog.show()
    networks = dialog.findChild(QListWidget)
    assert networks is not None
    assert rows_in_sight(networks) == len(CHOICES)
    dialog.set_running(is_running=True)
    assert rows_in_sight(networks) == 5
    dialog.set_running(is_running=False)
    assert rows_in_sight(networks) == len(CHOICES)
