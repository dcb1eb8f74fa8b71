"""Two files of weights come inside; one of them may be used at work, and people can choose it."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from model.errors import ModelError
from model.prediction.predictor import Predictor
from model.weights.catalogue import start_of
from model.weights.checkpoint import default_weights_path, load, read_meta
from model.weights.shipped import (
    RESEARCH,
    SHIPPED,
    VARIABLE,
    WORK,
    choose_weights,
    chosen_weights,
    shipped_path,
)

FOR_WORK = {"ccp", "coco_more", "coco_train", "food_plates", "football", "pets", "village"}
"""The sets whose stated terms allow commercial use; the model card lists them."""


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.setenv(VARIABLE, "")


def test_research_is_in_use_until_somebody_chooses(monkeypatch):
    assert default_weights_path() == shipped_path(RESEARCH)
    monkeypatch.setenv(VARIABLE, "work")
    assert chosen_weights() == WORK
    assert default_weights_path() == shipped_path(WORK)
    choose_weights("research")
    assert default_weights_path() == shipped_path(RESEARCH)


def test_a_name_that_nobody_knows_is_said_with_those_there_are(monkeypatch):
    monkeypatch.setenv(VARIABLE, "best")
    with pytest.raises(ModelError, match="best") as refused:
        Predictor.default("cpu")
    assert "research or work" in refused.value.action
    with pytest.raises(ModelError):
        choose_weights("")


def test_weights_for_work_have_seen_only_what_may_be_used_there():
    provenance = read_meta(shipped_path(WORK)).provenance
    assert set(provenance["sets"]) <= FOR_WORK
    assert "started_from" not in provenance, "what it began with may have seen anything"
    card = resources.files("assets").joinpath("weights", "MODEL_CARD.md").read_text(encoding="utf-8")
    for each in SHIPPED:
        assert each.file in card


@pytest.mark.parametrize("weights", SHIPPED, ids=lambda each: each.name)
def test_what_is_learned_says_which_weights_it_began_from(weights):
    choose_weights(weights.name)
    start = start_of("", None)
    assert start.name == shipped_path(weights).stem
    assert start.network.config.num_classes == 2
    assert json.dumps(start.meta.class_names) == '["background", "foreground"]'


def test_both_are_of_one_network():
    """So that all that is said of what the program can do holds with either."""
    one, other = (load(shipped_path(each))[0].config for each in SHIPPED)
    assert one.encoder == other.encoder
    assert one.num_experts == other.num_experts
