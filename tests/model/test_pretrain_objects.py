"""Finished weights are taught what objects are with pictures that are made up, and nothing else of them changes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy import ndimage

from model.pretraining.__main__ import main
from model.pretraining.objects import ObjectPretraining
from model.pretraining.rendered import rendered
from model.weights import checkpoint
from model.weights.checkpoint import CheckpointMeta
from tests.tiny import tiny_network


@pytest.fixture(autouse=True)
def small(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr("model.pretraining.objects.POOL", 4)
    monkeypatch.setattr("model.pretraining.objects.BATCH", 2)


@pytest.fixture
def start(tmp_path):
    path = tmp_path / "start.safetensors"
    checkpoint.save(
        path, tiny_network().half(), CheckpointMeta(class_names=("a", "b"), provenance={"sets": ["park"]})
    )
    return path


def taught(start, output, *more):
    arguments = ["--only-objects", "--start", str(start), "--output", str(output), "--fp32", *more]
    assert main(arguments) == 0
    return checkpoint.load(output / "weights.safetensors")


def test_a_seed_makes_a_picture_and_the_next_one_another():
    one, again, other = (rendered(np.random.default_rng((0, index))) for index in (3, 3, 4))
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.objects, again.objects)
    assert not np.array_equal(one.image, other.image)


def test_pictures_are_dark_and_light_and_their_objects_stand_out():
    """Along the direction that tells best, colours of objects differ from what is round them, in nearly every one."""
    dark, told, counts = [], [], []
    for index in range(24):
        made = rendered(np.random.default_rng((1, index)))
        assert made.image.shape == (*made.objects.shape, 3)
        assert made.image.dtype == np.uint8
        inside = made.objects > 0
        counts.append(len(np.unique(made.objects[inside])))
        near = ndimage.binary_dilation(inside, iterations=6) & ~inside
        if not inside.any():
            continue
        dark.append(bool(np.median(made.image[~inside]) < 90))
        colours = made.image.astype(float)
        apart = np.abs(colours[inside].mean(0) - colours[near].mean(0)).max()
        told.append(apart > 0.5 * (colours[inside].std(0).mean() + colours[near].std(0).mean()) / 2)
    assert 4 <= sum(dark) <= 20
    assert np.mean(told) > 0.8
    assert max(counts) > 40
    assert np.median(counts) >= 4


def test_every_number_is_something_that_is_seen():
    for index in range(8):
        objects = rendered(np.random.default_rng((2, index))).objects
        sizes = np.bincount(objects.ravel())[1:]
        assert sizes[sizes > 0].min(initial=12) >= 12


def test_nothing_but_what_is_known_of_objects_changes(start, tmp_path):
    after, meta = taught(start, tmp_path / "run", "--steps", "3")
    before, _ = checkpoint.load(start)
    known, learned = before.state_dict(), after.state_dict()
    assert all(torch.equal(value, learned[name]) for name, value in known.items())
    new = {name: value for name, value in learned.items() if name not in known}
    assert all(name.startswith("known_objects.") for name in new)
    assert bool(new["known_objects.context.last.weight"].any())
    assert bool(new["known_objects.means"].any())
    assert meta.provenance["objects"]["steps"] == 3
    assert meta.provenance["sets"] == ["park"], "what was said of them before is still said"
    assert meta.class_names == ("a", "b")


def test_the_same_number_of_steps_gives_the_same_weights_also_of_a_run_that_was_stopped(
    start, tmp_path, monkeypatch
):
    whole, _ = taught(start, tmp_path / "whole", "--steps", "6")
    one_step, stop = ObjectPretraining._one_step, tmp_path / "stopped"

    def tired(run, progress, budget):
        if run._step == 3:
            run._save(budget)
            raise KeyboardInterrupt
        one_step(run, progress, budget)

    with monkeypatch.context() as patch:
        patch.setattr(ObjectPretraining, "_one_step", tired)
        with pytest.raises(KeyboardInterrupt):
            taught(start, stop, "--steps", "6")
    assert not (stop / "weights.safetensors").exists()
    again, _ = taught(start, stop, "--steps", "6")
    state = again.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.state_dict().items())


def test_losses_fall(start, tmp_path):
    taught(start, tmp_path / "run", "--steps", "60", "--rate", "1e-2")
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [20, 40, 60]
    assert lines[-1]["shape"] < 0.9 * lines[0]["shape"]


def test_only_finished_weights_are_taught_it_and_other_runs_need_pictures(start, tmp_path, caplog):
    assert main(["--only-objects", "--output", str(tmp_path / "run")]) == 1
    assert "--start" in caplog.text
    caplog.clear()
    assert main(["--start", str(start), "--output", str(tmp_path / "run")]) == 1
    assert "--data" in caplog.text


def test_the_folder_of_another_run_is_refused(start, tmp_path, caplog):
    taught(start, tmp_path / "run", "--steps", "1")
    data = tmp_path / "run" / "state.pt"
    state = torch.load(data, weights_only=True)
    torch.save(state | {"learns": "classes"}, data)
    arguments = ["--only-objects", "--start", str(start), "--output", str(tmp_path / "run"), "--steps", "2"]
    assert main(arguments) == 1
    assert "state.pt" in caplog.text
