"""Another network in the window: chosen, trained, used beside clicks, kept in the project, opened again."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from latentseg_gui.app.session import Session
from tests.e2e.kept_weights import Answers, save, use, window
from tests.e2e.person import Person

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


def paint_two_classes(person: Person) -> None:
    person.choose("tool_brush")
    person.session.tool.set_diameter(30)
    person.session.classes.choose_class(1)
    person.drag((200.0, 120.0), (240.0, 120.0), (240.0, 160.0))
    person.session.classes.choose_class(0)
    person.drag((420.0, 40.0), (470.0, 40.0), (470.0, 90.0))


def texts(session: Session, panel: str) -> str:
    return "\n".join(each.text() for each in getattr(session.window, panel).findChildren(QLabel))


def is_live(session: Session, version: str, network: str) -> bool:
    live = session.weights.live
    return live is not None and (live.version, live.network) == (version, network)


def test_a_unet_is_chosen_trained_used_beside_clicks_and_kept(
    qtbot: QtBot, own_home: Path, answers: Answers, skimage_photo: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cells.latentseg"
    with window() as (person, told):
        session, panel = person.session, person.window.training
        person.open(skimage_photo)
        person.wait_for_prediction()
        paint_two_classes(person)
        panel.network.choose("unet")
        assert "learns from nothing" in texts(session, "training")
        assert panel.request.network == "unet"
        session.finetune.plan = session.finetune.plan.with_seconds(6.0)
        ended: list[object] = []
        session.finetune.ended.connect(ended.append)
        person.choose("finetune")
        person.wait_for(lambda: ended, what="the end of the training")
        assert not told.errors
        use(person, "v1")
        assert is_live(session, "v1", "unet")
        person.wait_for_prediction()
        prediction = session.document.predictions.of(person.image_id or "")
        assert prediction is not None
        assert prediction.version == "v1"
        assert "U-Net has no experts" in texts(session, "experts")
        assert "U-Net: 1 image" in texts(session, "training")
        person.segment((225.0, 140.0))  # clicks go on with the shipped network
        proposal = session.document.prompts.proposal(person.image_id or "")
        assert proposal is not None
        assert proposal.mask.any()
        session.segment.accept()
        person.choose("live")
        person.wait_for(
            lambda: any("cannot learn while you correct" in each for each in told.sentences),
            what="the reason",
        )
        person.choose("live")
        person.wait_for(lambda: session.lanes.engine.is_idle)
        assert not told.errors
        save(person, answers, folder)
        assert person.window.close()
    with window(folder) as (person, told):
        person.wait_for(lambda: is_live(person.session, "v1", "unet"), what="the U-Net is in use again")
        person.wait_for_prediction()
        assert person.session.weights.versions["v1"].network == "U-Net"
        assert person.window.training.network.value == "unet"
        use(person, "shipped")
        assert is_live(person.session, "shipped", "latent-expert")
        assert person.window.training.network.value == "latent-expert"
        person.wait_for(lambda: person.session.inspect.maps is not None, what="maps of experts are back")
        assert not told.errors
