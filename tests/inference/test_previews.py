"""What a click would give, asked before anybody clicks: it promises nothing else, and leaves no trace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import EncodeImage, ForgetImage, LoadWeights, SegmentObject
from model.weights.checkpoint import CheckpointMeta, save
from tests.tiny import disks, tiny_network

LARGE = np.ascontiguousarray(np.kron(disks(0)[0], np.ones((8, 8, 1), np.uint8)))
CLICK_LARGE = PromptPoint((30.5 * 8, 40.5 * 8), True)


@pytest.fixture
def engine(tmp_path):
    path = tmp_path / "one.safetensors"
    save(path, tiny_network(), CheckpointMeta())
    engine = Engine()
    engine.handle(LoadWeights(path, "v1", "cpu"))
    return engine


def test_a_preview_that_looks_closer_shows_what_the_click_gives_and_saves_it_time(engine):
    engine.handle(EncodeImage("large", LARGE))
    told, prompts = [], PromptSet((CLICK_LARGE,))
    shown = engine.handle(SegmentObject("large", prompts, is_preview=True, looks_closer=True), told.append)
    assert not shown.is_refining
    runs = engine.encoder_runs
    clicked = engine.handle(SegmentObject("large", prompts), told.append)
    assert clicked.rect == shown.rect
    assert (clicked.mask == shown.mask).all()
    assert clicked.score == shown.score
    assert engine.encoder_runs == runs
    assert not told, "nothing is rough any more"


def test_a_click_is_answered_alike_wherever_the_mouse_was_before(engine):
    engine.handle(EncodeImage("large", LARGE))
    prompts = PromptSet((CLICK_LARGE,)), PromptSet((CLICK_LARGE, replace(CLICK_LARGE, xy=(100.0, 60.0))))
    alone = [engine.handle(SegmentObject("large", each)) for each in prompts]
    engine.handle(ForgetImage("large"))
    engine.handle(EncodeImage("large", LARGE))
    for asked, expected in zip(prompts, alone, strict=True):
        for x in (90.0, 250.0, 400.0):
            place = replace(asked, points=(*asked.points[:-1], replace(CLICK_LARGE, xy=(x, 300.0))))
            engine.handle(SegmentObject("large", place, is_preview=True, looks_closer=True))
        answer = engine.handle(SegmentObject("large", asked))
        assert answer.rect == expected.rect
        assert (answer.mask == expected.mask).all()


def test_a_preview_encodes_nothing_and_leaves_no_trace(engine):
    engine.handle(EncodeImage("large", LARGE))
    alone = engine.handle(SegmentObject("large", PromptSet((CLICK_LARGE,))))
    engine.handle(ForgetImage("large"))
    engine.handle(EncodeImage("large", LARGE))
    runs, told = engine.encoder_runs, []
    preview = engine.handle(SegmentObject("large", PromptSet((CLICK_LARGE,)), is_preview=True), told.append)
    assert engine.encoder_runs == runs
    assert not told
    assert preview.is_refining, "a click would zoom in"
    assert preview.mask.any()
    again = engine.handle(SegmentObject("large", PromptSet((CLICK_LARGE,))))
    assert (again.mask == alone.mask).all()
