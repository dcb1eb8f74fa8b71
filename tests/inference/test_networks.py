"""Weights of a network that knows classes only: predictions are its own, clicks go on with the shipped one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet
from latentseg_gui.document.training.runs import FineTuneResult, TrainingSample
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import (
    ComputeAttention,
    ComputePromptAttention,
    EncodeImage,
    ForgetImage,
    LoadWeights,
    PredictClasses,
    SegmentObject,
)
from latentseg_gui.inference.prediction import clicker
from latentseg_gui.inference.training.messages import FineTune
from latentseg_gui.inference.training.training import Trainer
from model.errors import ModelError
from model.prediction.predictor import Predictor
from model.weights import catalogue
from model.weights.checkpoint import CheckpointMeta, read_meta, save
from model.zoo.dense import DenseNetwork
from model.zoo.presets import DENSE_KINDS
from tests.model.zoo.tiny_networks import TINY
from tests.tiny import disks, tiny_network

CLICKS = PromptSet((PromptPoint((30.5, 40.5), True),))
KINDS = {kind.name: kind for kind in DENSE_KINDS}


def unet():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DenseNetwork(KINDS["unet"], 2, TINY["unet"]).eval()


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "unet.safetensors"
    save(path, unet(), CheckpointMeta(("background", "disk")))
    return path


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A small network in the place of the shipped one."""
    path = tmp_path / "shipped.safetensors"
    save(path, tiny_network(), CheckpointMeta(("background", "foreground")))
    monkeypatch.setattr(clicker, "default_weights_path", lambda: path)
    return path


@pytest.fixture
def engine(weights, shipped):
    engine = Engine()
    engine.handle(LoadWeights(weights, "v1", "cpu"))
    engine.handle(EncodeImage("a", disks(0)[0]))
    return engine


def test_weights_say_which_network_they_are_of_and_what_it_can_do(weights, shipped):
    engine = Engine()
    info = engine.handle(LoadWeights(weights, "v1", "cpu"))
    assert (info.network, info.title, info.num_experts) == ("unet", "U-Net", 0)
    assert not any(info.can(what) for what in ("clicks", "experts", "live", "rows", "gates"))
    info = engine.handle(LoadWeights(shipped, "v2", "cpu"))
    assert info.network == "latent-expert"
    assert all(info.can(what) for what in ("clicks", "experts", "live"))
    names = [each.name for each in info.networks]
    assert names[0] == "latent-expert"
    assert {"mask-rcnn", "unet", "unet-pretrained", "mask-rcnn-scratch"} <= set(names)
    assert all(each.parameters > 1000 and each.summary and each.limits for each in info.networks)


def test_classes_are_the_networks_own_and_clicks_those_of_the_shipped_one(engine):
    answer = engine.handle(PredictClasses("a"))
    own = Predictor(unet(), "cpu")
    own.set_image(disks(0)[0])
    assert np.array_equal(answer.labels, own.predict_classes().labels)
    proposal = engine.handle(SegmentObject("a", CLICKS))
    assert (proposal.image_id, proposal.version) == ("a", "v1")
    shipped = Predictor(tiny_network(), "cpu")
    shipped.set_image(disks(0)[0])
    mask, score, _ = shipped.predict([[30.5, 40.5]], [1])
    whole = np.zeros_like(mask)
    whole[proposal.rect.slices] = proposal.mask
    assert np.array_equal(whole, mask)
    assert proposal.score == pytest.approx(score)
    maps = engine.handle(ComputePromptAttention("a", CLICKS))
    assert maps.look.shape[1] == 2
    again = engine.handle(PredictClasses("a"))  # clicks have left the classes alone
    assert np.array_equal(again.labels, answer.labels)


def test_each_image_is_clicked_on_its_own_and_forgotten_with_the_rest(engine):
    first = engine.handle(SegmentObject("a", CLICKS))
    engine.handle(EncodeImage("b", disks(1)[0]))
    engine.handle(SegmentObject("b", CLICKS))
    assert np.array_equal(engine.handle(SegmentObject("a", CLICKS)).mask, first.mask)
    engine.handle(ForgetImage("a"))
    with pytest.raises(Exception, match="has not seen this image"):
        engine.handle(SegmentObject("a", CLICKS))


def test_experts_of_a_network_without_are_an_error_in_words(engine):
    with pytest.raises(ModelError, match="has no attention maps"):
        engine.handle(ComputeAttention("a"))


class Context:
    """A job that nobody stops."""

    def __init__(self):
        self.reports = []

    def report(self, progress):
        self.reports.append(progress)

    def is_cancelled(self):
        return False

    def told(self):
        return ()


def request(tmp_path, **changes):
    fields = {
        "weights": None,
        "version": "v1",
        "samples": (TrainingSample("a", *disks(0)), TrainingSample("b", *disks(1))),
        "class_names": ("background", "disk"),
        "class_colours": ("#000000", "#ff0000"),
        "output": tmp_path / "v1.safetensors",
        "seconds": 2.0,
        "network": "unet",
    }
    return FineTune(**(fields | changes))


@pytest.fixture
def _tiny(monkeypatch):
    monkeypatch.setattr(catalogue, "_built", lambda name, count: DenseNetwork(KINDS[name], count, TINY[name]))


@pytest.mark.usefixtures("_tiny")
def test_a_network_learns_from_nothing_and_then_goes_on(tmp_path):
    trainer, context = Trainer(), Context()
    result = trainer.handle(request(tmp_path), context)
    assert isinstance(result, FineTuneResult)
    assert result.is_better
    assert np.isnan(result.metric_before)
    assert 0 <= result.metric_after <= 1
    assert {report.phase for report in context.reports} >= {"learning", "measuring"}
    meta = read_meta(tmp_path / "v1.safetensors")
    assert meta.architecture == "unet"
    assert meta.provenance["started_from"] == "fresh weights of unet"
    onward = request(tmp_path, weights=tmp_path / "v1.safetensors", output=tmp_path / "v2.safetensors")
    result = trainer.handle(onward, Context())
    assert not np.isnan(result.metric_before)
    runs = read_meta(tmp_path / "v2.safetensors").provenance["fine_tuning"]
    assert [run["started_from"] for run in runs] == ["fresh weights of unet", "v1.safetensors"]


@pytest.mark.usefixtures("_tiny")
def test_weights_of_another_network_and_live_learning_are_refused_in_words(tmp_path, weights):
    with pytest.raises(ModelError, match=r"are of the network U-Net \(unet\), not of SETR \(setr\)"):
        Trainer().handle(request(tmp_path, weights=weights, network="setr"), Context())
    with pytest.raises(ModelError, match="Only the latent-expert network learns while you correct"):
        Trainer().handle(request(tmp_path, weights=weights, network="", speed="live"), Context())
    assert not (tmp_path / "v1.safetensors").exists()
