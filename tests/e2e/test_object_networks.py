"""A network that finds objects by itself, in the window: trained on what was drawn, listed, counted, exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.weights.checkpoint import CheckpointMeta, save
from tests.e2e.conftest import Witness
from tests.e2e.exported import exported_annotations
from tests.e2e.kept_weights import use
from tests.e2e.person import Person
from tests.model.finetuning import run
from tests.model.training.object_scenes import FRESH, fresh, scene

pytestmark = pytest.mark.timeout(600)


def sources(person: Person) -> list[str]:
    """Where each object of the list comes from, as it says."""
    model = person.window.objects.view.model()
    return [str(model.index(row, 5).data()) for row in range(model.rowCount())]


@pytest.fixture
def taught(tmp_path: Path) -> Path:
    """A small Mask R-CNN that knows disks of two colours."""
    network = run(fresh("mask-rcnn"), [scene(seed) for seed in range(10)], FRESH, steps=150)[0].network
    path = tmp_path / "disks.safetensors"
    save(path, network, CheckpointMeta(("background", "yellow", "blue"), ("#000000", "#E69F00", "#0072B2")))
    return path


def test_mask_rcnn_learns_from_drawn_objects_and_what_it_finds_is_listed_and_exported(
    person: Person, told: Witness, taught: Path, tmp_path: Path
) -> None:
    session, document = person.session, person.session.document
    for seed in (20, 21):
        Image.fromarray(scene(seed).image).save(tmp_path / f"{seed}.png")
    person.open(tmp_path / "20.png", tmp_path / "21.png")
    session.weights.open(taught)
    person.wait_for(
        lambda: session.weights.live is not None and session.weights.live.network == "mask-rcnn-scratch"
    )
    drawn = scene(20)  # as a person would have drawn it, each disk an object
    np.savez(
        tmp_path / "20.npz",
        labels=drawn.labels,
        instances=drawn.objects.astype(np.uint32),
        class_names=np.array(["background", "yellow", "blue"]),
    )
    session.importing.import_from([tmp_path / "20.npz"])
    person.wait_for(lambda: len(sources(person)) == len(np.unique(drawn.objects)) - 1, what="they are listed")
    panel = person.window.training
    panel.network.choose("mask-rcnn-scratch")
    assert panel.request.network == "mask-rcnn-scratch"
    session.finetune.plan = session.finetune.plan.with_seconds(5.0)
    ended: list[object] = []
    session.finetune.ended.connect(ended.append)
    person.choose("finetune")
    person.wait_for(lambda: ended, what="the end of the training")
    use(person, "v1")
    session.images.show(document.images.ids[1])
    person.wait_for(lambda: person.image_id == document.images.ids[1] and person.canvas.image.is_shown)
    person.wait_for_prediction()
    prediction = document.predictions.of(person.image_id or "")
    assert prediction is not None
    assert prediction.version == "v1"
    assert prediction.instances is not None
    found = len(np.setdiff1d(prediction.instances, 0))
    true = len(np.unique(scene(21).objects)) - 1
    assert 0.5 * true <= found <= 1.5 * true
    person.choose("accept_prediction")
    person.wait_for(lambda: len(sources(person)) == found, what="every object is a row of the list")
    assert set(sources(person)) == {"predicted"}
    assert (
        len(exported_annotations(person, tmp_path / "exported")) == found + len(np.unique(drawn.objects)) - 1
    )
    assert not told.errors
