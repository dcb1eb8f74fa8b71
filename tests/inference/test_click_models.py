"""The engine answers clicks by a click model of others, and everything else as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import (
    ComputePromptAttention,
    EncodeImage,
    ForgetImage,
    LoadWeights,
    PredictClasses,
    SegmentObject,
    UseClickModel,
)
from model.errors import ModelError
from model.weights.checkpoint import CheckpointMeta, save
from tests.model.click_models import small
from tests.tiny import disks, tiny_network

pytest.importorskip("onnxruntime")

CLICK = PromptSet((PromptPoint((30.5, 40.5), True),))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.sam(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    save(
        tmp_path / "tiny.safetensors",
        tiny_network(),
        CheckpointMeta(("background", "disk"), ("#000000", "#ff0000")),
    )
    engine = Engine()
    engine.handle(LoadWeights(tmp_path / "tiny.safetensors", "v1", "cpu"))
    engine.handle(EncodeImage("a", disks(0)[0]))
    return engine


def test_only_clicks_are_answered_by_it(engine: Engine, pair: Path) -> None:
    before, own = engine.handle(PredictClasses("a")), engine.handle(SegmentObject("a", CLICK))
    info = engine.handle(UseClickModel(pair))
    assert info.title == "mobile_sam (Segment Anything)"
    assert info.device == "CPU"
    foreign = engine.handle(SegmentObject("a", CLICK))
    assert (own.made_by, foreign.made_by) == ("", info.title)
    assert foreign.version == "v1", "the answer belongs to what is shown"
    after = engine.handle(PredictClasses("a"))
    assert (before.labels == after.labels).all()
    assert (before.confidence == after.confidence).all()
    assert engine.handle(UseClickModel(None)).title == ""
    again = engine.handle(SegmentObject("a", CLICK))
    assert again.made_by == ""
    assert (again.mask == own.mask).all()


def test_an_image_is_encoded_once_for_clicks(engine: Engine, pair: Path) -> None:
    engine.handle(UseClickModel(pair))
    model = engine._foreign._model
    assert model is not None
    opened = model.encoder_runs
    engine.handle(EncodeImage("b", disks(1)[0]))
    assert model.encoder_runs == opened + 1, "with the image, not with the first click"
    for name in ("b", "a", "b", "a"):
        engine.handle(SegmentObject(name, CLICK))
    assert model.encoder_runs == opened + 2
    engine.handle(ForgetImage("b"))
    engine.handle(EncodeImage("b", disks(2)[0]))
    assert model.encoder_runs == opened + 3


def test_a_file_that_is_refused_leaves_clicks_as_they_were(
    engine: Engine, pair: Path, tmp_path: Path
) -> None:
    engine.handle(UseClickModel(pair))
    with pytest.raises(ModelError):
        engine.handle(UseClickModel(tmp_path / "nothing.onnx"))
    assert engine.handle(SegmentObject("a", CLICK)).made_by == "mobile_sam (Segment Anything)"


def test_what_it_attends_to_is_not_shown_and_not_made_up(engine: Engine, pair: Path) -> None:
    engine.handle(UseClickModel(pair))
    with pytest.raises(LatentsegError, match="does not show what it attends to"):
        engine.handle(ComputePromptAttention("a", CLICK))


def test_answers_of_one_are_not_gone_on_from_by_the_other(engine: Engine, pair: Path) -> None:
    two = PromptSet((*CLICK.points, PromptPoint((70.5, 50.5), False)))
    engine.handle(UseClickModel(pair))
    engine.handle(SegmentObject("a", CLICK))
    assert engine._clicks.before("a", "v1", two) is not None
    engine.handle(UseClickModel(None))
    assert engine._clicks.before("a", "v1", two) is None, "logits of another mean something else"
    assert engine.handle(SegmentObject("a", two)).made_by == ""
