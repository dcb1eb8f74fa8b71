"""The list of networks: what each is good for, and what a start asks for."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot

from latentseg_gui.document.training.learning import FROM_SCRATCH, SPEEDS, NetworkChoice
from latentseg_gui.panels.training import TrainingPanel

CHOICES = (
    NetworkChoice(
        "latent-expert", "Latent experts", "Few masks.", "Clicks stay.", 3_000_000, is_pretrained=True
    ),
    NetworkChoice("unet", "U-Net", "Membranes.", "Knows classes only.", 1_940_000),
)


@pytest.fixture
def panel(qtbot: QtBot) -> TrainingPanel:
    widget = TrainingPanel()
    qtbot.addWidget(widget)
    widget.resize(260, 800)
    widget.show()
    return widget


def texts(panel: TrainingPanel) -> str:
    return "\n".join(each.text() for each in panel.network.findChildren(QLabel) if each.isVisible())


def combo(panel: TrainingPanel) -> QComboBox:
    (found,) = panel.network.findChildren(QComboBox)
    return found


def test_nothing_is_offered_until_it_is_known_what_there_is(panel: TrainingPanel) -> None:
    assert not panel.network.isVisible()
    assert panel.request.network == ""
    panel.network.set_networks(CHOICES, "latent-expert")
    assert panel.network.isVisible()
    assert panel.request.network == "latent-expert"
    assert panel.request.speed == "quick"
    assert "goes on from the weights in use" in texts(panel)


def test_a_choice_says_what_it_is_good_for_and_takes_its_time(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.network.set_networks(CHOICES, "latent-expert")
    panel.set_speed("live", 1)
    with qtbot.waitSignal(panel.request_changed) as caught:
        panel.network.choose("unet")
    assert texts(panel) == "Membranes. 1,940,000 parameters; learns from nothing. Knows classes only."
    (request,) = caught.args
    assert (request.network, request.speed, request.seconds) == ("unet", "quick", FROM_SCRATCH)
    panel.network.choose("latent-expert")
    assert panel.request.speed == "live"
    assert panel.request.seconds == SPEEDS["live"].seconds


def test_weights_of_another_network_bring_it_and_others_leave_the_choice(panel: TrainingPanel) -> None:
    panel.network.set_networks(CHOICES, "latent-expert")
    panel.network.choose("unet")
    panel.network.set_networks(CHOICES, "latent-expert")  # other weights of the same network
    assert panel.network.value == "unet"
    panel.network.set_networks(CHOICES, "unet")
    assert panel.network.value == "unet"
    assert "goes on from the weights in use" in texts(panel)
    panel.network.choose("latent-expert")
    assert "begins with the shipped weights" in texts(panel)
    panel.network.set_networks(CHOICES, "latent-expert")
    assert combo(panel).currentText() == "Latent experts"


def test_speeds_come_back_after_a_run_only_where_there_are_some(panel: TrainingPanel) -> None:
    panel.network.set_networks(CHOICES, "latent-expert")
    panel.network.choose("unet")
    run = panel._run
    assert not run._speed.isEnabled()
    panel.set_running(True)
    panel.set_running(False)
    assert not run._speed.isEnabled()
    panel.network.choose("latent-expert")
    assert run._speed.isEnabled()
