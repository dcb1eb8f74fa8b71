"""Lines as the window sends them: alone, after and before clicks, for our own model and for those of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latentseg_gui.document.prediction.proposals import MaskProposal, PromptPoint, PromptSet, TakenUp
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import (
    ComputePromptAttention,
    EncodeImage,
    LoadWeights,
    SegmentObject,
    UseClickModel,
)
from model.prediction.lines import Line
from model.weights.checkpoint import CheckpointMeta, save
from tests.model.click_models import small
from tests.tiny import disks, tiny_network

ROWS, COLS = 64, 80


def stroke(*way: tuple[float, float], is_positive: bool = True) -> PromptPoint:
    return PromptPoint(way[-1], is_positive, way)


def loop(*way: tuple[float, float], is_positive: bool = True) -> PromptPoint:
    return PromptPoint(way[-1], is_positive, way, is_loop=True)


ALONG = stroke((10.5, 30.5), (30.5, 32.5), (60.5, 30.5))
ACROSS = stroke((40.5, 10.5), (40.5, 55.5), is_positive=False)
ROUND = loop((8.0, 8.0), (40.0, 8.0), (40.0, 50.0), (8.0, 50.0))
CLICK = PromptPoint((20.5, 20.5), True)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime")
    return small.sam(tmp_path_factory.mktemp("pair"))


@pytest.fixture(params=["own", "foreign"])
def engine(tmp_path: Path, pair: Path, request: pytest.FixtureRequest) -> Engine:
    save(
        tmp_path / "tiny.safetensors",
        tiny_network(num_candidates=2),
        CheckpointMeta(("background", "disk"), ()),
    )
    engine = Engine()
    engine.handle(LoadWeights(tmp_path / "tiny.safetensors", "v1", "cpu"))
    engine.handle(EncodeImage("a", disks(0)[0]))
    if request.param == "foreign":
        engine.handle(UseClickModel(pair))
    return engine


def whole(proposal: MaskProposal) -> np.ndarray:
    mask = np.zeros((ROWS, COLS), bool)
    mask[proposal.rect.slices] = proposal.mask
    return mask


def ask(engine: Engine, *points: PromptPoint, **options: object) -> np.ndarray:
    answer = engine.handle(SegmentObject("a", PromptSet(points, **options)))  # type: ignore[arg-type]
    assert isinstance(answer, MaskProposal)
    return whole(answer)


def pixels(point: PromptPoint) -> np.ndarray:
    return Line.of(point.way).pixels((ROWS, COLS))


def test_a_stroke_belongs_to_the_object(engine: Engine) -> None:
    assert ask(engine, ALONG)[pixels(ALONG)].all()


def test_what_is_pointed_at_one_after_the_other_only_adds_and_only_takes_away(engine: Engine) -> None:
    stroked = ask(engine, ALONG)
    less = ask(engine, ALONG, ACROSS)
    assert not (less & ~stroked).any()
    assert not less[pixels(ACROSS)].any()
    more = ask(engine, ALONG, ACROSS, ROUND)
    assert not (less & ~more).any()
    inside = Line.of(ROUND.way, is_loop=True).inside((ROWS, COLS), 0.04)
    assert not (more & ~less & ~inside).any()
    gone = ask(engine, ALONG, ACROSS, ROUND, loop(*ROUND.way, is_positive=False))
    assert not gone[inside].any()


def test_a_loop_keeps_to_itself(engine: Engine) -> None:
    found = ask(engine, ROUND)
    assert found.any()
    assert not found[~Line.of(ROUND.way, is_loop=True).inside((ROWS, COLS), 0.04)].any()
    assert ask(engine, ROUND, CLICK)[20, 20]


def test_a_stroke_adds_to_what_was_taken_up(engine: Engine) -> None:
    taken = TakenUp(Rect(5, 5, 15, 25), np.ones((10, 20), bool), (ROWS, COLS), 1, (6, 6), 1)
    made = ask(engine, ALONG, taken_up=taken)
    assert made[5:15, 5:25].all()
    assert made[pixels(ALONG)].all()
    less = ask(
        engine, loop((0.0, 0.0), (15.0, 0.0), (15.0, 20.0), (0.0, 20.0), is_positive=False), taken_up=taken
    )
    assert less[6:15, 17:25].all()
    assert not less[:, :15].any()


def test_what_else_a_line_or_a_click_may_mean(engine: Engine) -> None:
    for point in (CLICK, ALONG, ROUND):
        prompts = PromptSet((point,))
        first = engine.handle(SegmentObject("a", prompts))
        answer = engine.handle(SegmentObject("a", prompts, with_candidates=True))
        assert isinstance(answer, MaskProposal)
        assert isinstance(first, MaskProposal)
        assert (whole(answer) == whole(first)).all()
        assert answer.candidates
        assert all(each.made_by == first.made_by for each in answer.candidates)
        goes_on = engine.handle(
            SegmentObject("a", PromptSet((point, stroke((70.5, 5.5), (75.5, 15.5)))), continues=1)
        )
        assert isinstance(goes_on, MaskProposal)
        assert not (whole(answer.candidates[0]) & ~whole(goes_on)).any(), "it goes on from the chosen one"


def test_maps_of_what_lines_attend_to_have_a_row_each(engine: Engine) -> None:
    if engine._foreign.title:
        pytest.skip("click models of others do not show what they attend to")
    maps = engine.handle(ComputePromptAttention("a", PromptSet((ROUND, ALONG, CLICK))))
    assert maps.look.shape[1] == 4
    assert np.allclose(maps.look.sum((2, 3)), 1, atol=1e-3)
    assert np.allclose(maps.mix.sum(1), 1, atol=1e-3)
    later = engine.handle(
        ComputePromptAttention("a", PromptSet((CLICK, ROUND, ALONG), (2.0, 2.0, 60.0, 60.0)))
    )
    assert len(later.prompts.points) == 2, "a further loop is asked about by itself"
    assert later.look.shape[1] == 5
