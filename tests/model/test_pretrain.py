"""Pre-training on tiny made-up sets: reads what it may, never what it must not, and resumes."""

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

from model.errors import ModelError
from model.networks.click_cues import NUM_CUES
from model.networks.config import NetworkConfig
from model.networks.detail_network import DetailNetwork
from model.networks.efficientnet import EfficientNetLite
from model.networks.network import PromptTensors, build_latent_expert
from model.pretraining.__main__ import main
from model.pretraining.average import main as average
from model.pretraining.cache import Cache, find_sources
from model.pretraining.candidates import CANDIDATE_PARTS, candidates_step
from model.pretraining.crops import MOST_REGIONS, Batch, CropSampler, agreement, regions_of
from model.pretraining.loop import PretrainConfig, Pretraining, learn_only
from model.pretraining.schedule import Stage
from model.pretraining.start import begin_from
from model.pretraining.step import CLASS_PARTS, regions_loss, territory_loss
from model.training.simulated_clicks import (
    add_click,
    add_pair,
    boxes_of,
    erosion_depth,
    first_prompts,
    next_click,
    sloppiness,
    spoiled,
)
from model.weights import checkpoint

SMALL = NetworkConfig(
    num_experts=4,
    num_heads=2,
    feature_dim=16,
    widths=(16, 16, 16, 16, 16),
    depths=(1, 1, 1, 1),
    path_widths=(16, 16),
    click_widths=(16, 16, 16, 16, 16),
    embed_dim=8,
)


def write_set(folder: Path, meta: dict, masks: dict[str, np.ndarray], colour: int = 120) -> None:
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    (folder / "meta.json").write_text(json.dumps(meta))
    rng = np.random.default_rng(0)
    for name in sorted({n.split("_")[0] for n in masks}):
        pixels = rng.integers(colour, colour + 40, (60, 80, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
    for name, mask in masks.items():
        Image.fromarray(mask.astype(np.uint8)).save(folder / "masks" / f"{name}.png")


@pytest.fixture
def data(tmp_path):
    torch.set_num_threads(1)
    regions = np.ones((60, 80), int)
    regions[:30, :40] = 2
    regions[30:, 50:] = 3
    things = np.zeros((60, 80), int)
    things[10:40, 20:60] = 1
    streets = things.copy()
    streets[50:] = 255
    root = tmp_path / "data"
    write_set(root / "parks", {"kind": "regions"}, {"a_0": regions, "a_1": regions.T.reshape(60, 80)})
    write_set(root / "things", {"kind": "instances"}, {"b": things})
    meta = {"kind": "semantic", "classes": ["rest", "car"], "ignore": 255, "foreground": [1]}
    write_set(root / "streets", meta, {"c": streets})
    write_set(root / "streets_val", meta, {"d": streets})
    write_set(root / "fewshot_streets", meta, {"e": streets})
    write_set(root / "taps", {"kind": "clicks"}, {"f": things})
    return root


def test_sets_for_choosing_and_measuring_are_never_read(data):
    assert [source.name for _, source in find_sources(data)] == ["parks", "streets", "things"]


def test_nothing_to_train_on_is_said_so(tmp_path):
    with pytest.raises(ModelError, match="nothing to train on"):
        find_sources(tmp_path)


def test_crops_know_objects_foreground_and_what_is_not_known(data, tmp_path):
    cache = Cache.open(data, tmp_path / "cache")
    batch = CropSampler(cache, {}, np.random.default_rng(0)).batch(40, (32, 48))
    assert batch.images.shape == (40, 32, 48, 3)
    assert set(np.unique(batch.objects)) <= {0, 1, 255}
    assert all(0.004 <= (objects == 1).mean() <= 0.85 for objects in batch.objects)
    names = [list(cache.sources)[i] for i in batch.sources]
    for name, foreground, semantic in zip(names, batch.foreground, batch.semantic, strict=True):
        assert name != "parks" or (foreground == 255).all()
        assert name == "streets" or (semantic == 255).all()
    assert {"parks", "streets", "things"} == set(names)


def test_the_same_seed_cuts_the_same_crops(data, tmp_path):
    cache = Cache.open(data, tmp_path / "cache")
    first, second = (CropSampler(cache, {}, np.random.default_rng(5)).batch(6, (32, 32)) for _ in range(2))
    assert np.array_equal(first.images, second.images)
    assert np.array_equal(first.objects, second.objects)


def test_clicks_fall_into_the_larger_error_with_its_sign():
    generator = torch.Generator().manual_seed(0)
    target = torch.zeros(2, 1, 64, 64)
    target[:, :, 8:40, 8:40] = 1
    valid = torch.ones_like(target)
    logits = target * 2 - 1
    logits[0, :, 20:38, 20:38] = -1  # missed
    logits[1, :, 44:62, 44:62] = 1  # too much
    none = PromptTensors(torch.zeros(2, 0, 2), torch.zeros(2, 0, dtype=torch.long))
    for _ in range(20):
        prompts = add_click(none, logits, target, valid, generator)
        assert prompts.labels.tolist() == [[1], [0]]
        (x0, y0), (x1, y1) = prompts.points[:, 0].tolist()
        assert 20 <= x0 < 38
        assert 20 <= y0 < 38
        assert 44 <= x1 < 62
        assert 44 <= y1 < 62
    perfect = add_click(none, target * 2 - 1, target, valid, generator)
    assert perfect.labels.tolist() == [[-1], [-1]]
    pair = add_pair(none, logits, target, valid, generator)
    assert pair.labels.tolist() == [[-1, 1], [0, -1]]


def test_depth_counts_erosions_and_borders_are_edges():
    area = torch.ones(1, 1, 5, 7, dtype=torch.bool)
    assert erosion_depth(area)[0, 0].tolist() == [
        [1, 1, 1, 1, 1, 1, 1],
        [1, 2, 2, 2, 2, 2, 1],
        [1, 2, 3, 3, 3, 2, 1],
        [1, 2, 2, 2, 2, 2, 1],
        [1, 1, 1, 1, 1, 1, 1],
    ]


def test_first_prompts_always_point_at_the_object():
    generator = torch.Generator().manual_seed(1)
    target = torch.zeros(64, 1, 48, 48)
    target[:, :, 10:30, 20:44] = 1
    prompts = first_prompts(target, torch.ones_like(target), generator)
    positive = prompts.labels == 1
    inside = target[:, 0, 10:30, 20:44].bool().all()
    assert bool(inside)
    points = prompts.points[positive]
    assert bool(((points[:, 0] >= 20) & (points[:, 0] < 44)).all())
    assert bool(((points[:, 1] >= 10) & (points[:, 1] < 30)).all())
    has_box = ~prompts.boxes.isnan().any(-1)
    assert bool((positive.any(-1) | has_box).all())
    assert bool(has_box.any())


def test_boxes_are_tight_but_for_jitter_and_absent_without_an_object():
    target = torch.zeros(2, 1, 40, 50)
    target[0, :, 5:20, 10:30] = 1
    boxes = boxes_of(target, torch.Generator().manual_seed(0), jitter=0.0)
    assert boxes[0].tolist() == [10, 5, 30, 20]
    assert bool(boxes[1].isnan().all())


def run_config(data, output, steps):
    return PretrainConfig(
        data=data,
        output=output,
        steps=steps,
        is_bf16=False,
        stages=(Stage(0.0, 3, ((32, 32),)), Stage(0.5, 2, ((32, 64),))),
        network=SMALL,
    )


def test_a_run_is_logged_saved_resumed_and_ends_in_weights_that_load(data, tmp_path):
    output = tmp_path / "run"
    lines = []
    Pretraining(run_config(data, output, 20), lines.append).run()
    assert lines[-1]["step"] == 20
    assert np.isfinite(lines[-1]["last"])
    more = Pretraining(run_config(data, output, 40), lines.append)
    path = more.run()
    assert [line["step"] for line in lines] == [20, 40]
    assert len((output / "log.jsonl").read_text().splitlines()) == 2
    network, meta = checkpoint.load(path)
    assert network.config == SMALL
    assert meta.class_names == ("background", "foreground")
    assert meta.provenance["steps"] == 40


def test_the_same_number_of_steps_gives_the_same_weights_again(data, tmp_path):
    paths = [Pretraining(run_config(data, tmp_path / name, 16)).run() for name in ("one", "two")]
    first, second = (checkpoint.load(path)[0].state_dict() for path in paths)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_resuming_with_other_sizes_is_refused(data, tmp_path):
    output = tmp_path / "run"
    Pretraining(run_config(data, output, 2)).run()
    other = PretrainConfig(data=data, output=output, steps=4, network=NetworkConfig(num_experts=2))
    with pytest.raises(ModelError, match="other sizes"):
        Pretraining(other)


def test_the_command_says_what_is_wrong_and_fails(tmp_path, capsys):
    assert main(["--data", str(tmp_path), "--output", str(tmp_path / "run"), "--steps", "1"]) == 1


def test_agreement_counts_the_annotators_who_drew_a_region_alike():
    first = np.ones((10, 10), np.uint16)
    first[:5] = 2
    second = np.ones((10, 10), np.uint16)
    second[:5] = 7
    third = np.arange(100, dtype=np.uint16).reshape(10, 10)
    assert agreement([first, second, third], 0).tolist() == [0, 1, 1]
    assert agreement([first, first, second], 2)[[1, 7]].tolist() == [2, 2]


LITE = replace(
    NetworkConfig.pretrained(),
    num_experts=4,
    num_heads=2,
    feature_dim=16,
    path_widths=(16, 16),
    click_widths=(16, 16, 16, 16, 16),
    evidence_dim=8,
)


def encoder_file(folder):
    torch.manual_seed(5)
    path = folder / "lite0.safetensors"
    save_file(EfficientNetLite("lite0").state_dict(), path)
    return path


def test_a_pretrained_encoder_is_frozen_at_first_and_runs_repeat_bit_for_bit(data, tmp_path):
    path = encoder_file(tmp_path)
    config = replace(run_config(data, tmp_path / "one", 6), network=LITE, encoder=path, frozen_until=0.5)
    half = replace(config, output=tmp_path / "half", frozen_until=1.0)
    again = replace(config, output=tmp_path / "two")
    first, frozen, second = (
        checkpoint.load(Pretraining(each).run())[0].state_dict() for each in (config, half, again)
    )
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    names = [name for name in first if name.startswith("backbone.encoder.")]
    given = EfficientNetLite("lite0")
    given.load_state_dict(load_file(path))
    known = given.half().float().state_dict()
    assert all(torch.equal(frozen[n], known[n.removeprefix("backbone.encoder.")]) for n in names)
    assert any(not torch.equal(first[n], frozen[n]) for n in names)


def test_a_run_begins_from_earlier_weights_where_they_fit(tmp_path):
    torch.manual_seed(0)
    old = build_latent_expert(SMALL)
    checkpoint.save(tmp_path / "old.safetensors", old)
    new = build_latent_expert(LITE)
    fresh = {name: value.clone() for name, value in new.state_dict().items()}
    said = begin_from(new, encoder=encoder_file(tmp_path), start=tmp_path / "old.safetensors")
    state = new.state_dict()
    assert torch.equal(state["click.pixels.weight"], old.state_dict()["click.pixels.weight"])
    cues = state["click.cue_in.weight"]
    assert torch.equal(cues[:, :NUM_CUES], old.state_dict()["click.cue_in.weight"])
    assert not bool(cues[:, NUM_CUES:].any())
    assert torch.equal(state["classifiers.weight"], fresh["classifiers.weight"])
    assert said["encoder"]["kind"] == "lite0"
    assert said["started_from"]["tensors"] > 20
    with pytest.raises(ModelError, match="no pretrained encoder"):
        begin_from(build_latent_expert(SMALL), encoder=tmp_path / "lite0.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"bad.safetensors"):
        begin_from(new, encoder=tmp_path / "bad.safetensors")


def test_people_click_anywhere_that_is_deep_enough():
    generator = torch.Generator().manual_seed(0)
    wrong = torch.zeros(400, 2, 40, 40, dtype=torch.bool)
    wrong[:, 0, 4:36, 4:36] = True
    for jitter, least in ((0.0, 13), (0.5, 5.5)):
        xy, _ = next_click(wrong, generator, jitter=jitter)
        edge = torch.minimum(xy - 4, 36 - xy).amin(-1)
        assert float(edge.min()) >= least
    centre = (xy - 20).abs().amax(-1)
    assert float((centre > 5).float().mean()) > 0.5
    careful = sloppiness(4000, generator)
    assert 0.4 < float((careful < 0.25).float().mean()) < 0.6
    assert float(careful.max()) < 0.8


def test_masks_of_another_origin_are_wrong_but_not_hopeless():
    generator = torch.Generator().manual_seed(0)
    target = torch.zeros(64, 1, 96, 96)
    target[:, :, 20:70, 25:75] = 1
    given, inside = spoiled(target, generator), target > 0
    both, either = ((a.sum((1, 2, 3)).float()) for a in (given & inside, given | inside))
    iou = both / either
    assert 0.55 < float(iou.mean()) < 0.95
    assert float(iou.min()) > 0.2
    assert float((iou > 0.97).float().mean()) < 0.2


def test_every_twentieth_picture_is_left_to_measure_on(tmp_path):
    things = np.zeros((60, 80), int)
    things[10:40, 20:60] = 1
    write_set(tmp_path / "data" / "many", {"kind": "instances"}, {f"p{i:02d}": things for i in range(40)})
    assert len(Cache.open(tmp_path / "data", tmp_path / "cache").items) == 38


def test_what_nobody_named_is_nothing_to_click_on(tmp_path):
    labels = np.zeros((60, 80), int)
    labels[10:40, 20:60] = 1
    meta = {"kind": "semantic", "classes": ["background", "car"], "ignore": 255, "foreground": [1]}
    write_set(tmp_path / "data" / "cars", meta, {"a": labels})
    cache = Cache.open(tmp_path / "data", tmp_path / "cache")
    batch = CropSampler(cache, {}, np.random.default_rng(0)).batch(30, (32, 48))
    assert not ((batch.objects == 1) & (batch.foreground == 0)).any()


STAGED = ["--stage", "0:3:32x32", "--stage", "0.5:2:32x64,64x32"]


def test_one_command_says_all_that_a_run_was_made_with(data, tmp_path):
    output = tmp_path / "run"
    told = [
        "--steps",
        "2",
        "--seed",
        "7",
        "--rate",
        "2e-4",
        "--frozen",
        "0.08",
        "--encoder-rate",
        "0.3",
        "--fp32",
    ]
    assert main(["--data", str(data), "--output", str(output), *told, *STAGED]) == 0
    config = json.loads((output / "config.json").read_text())
    assert (config["seed"], config["peak_rate"], config["steps"]) == (7, 2e-4, 2)
    assert (config["frozen_until"], config["encoder_rate"]) == (0.08, 0.3)
    assert [(s["start"], s["batch"], s["sizes"]) for s in config["stages"]] == [
        (0.0, 3, [[32, 32]]),
        (0.5, 2, [[32, 64], [64, 32]]),
    ]


@pytest.mark.parametrize(
    "stage", ["0.3", "0:3", "0:x:32x32", "2:3:32x32", "0:0:32x32", "0:3:16x32", "0:3:32"]
)
def test_a_stage_that_makes_no_sense_is_named(stage, capsys):
    with pytest.raises(SystemExit):
        main(["--data", ".", "--stage", stage])
    assert "--stage" in capsys.readouterr().err


def test_stages_out_of_order_are_refused(tmp_path, caplog):
    where = ["--data", str(tmp_path), "--output", str(tmp_path / "run")]
    for stages in (["--stage", "0.5:2:32x32"], ["--stage", "0:2:32x32", "--stage", "0:2:64x64"]):
        assert main([*where, *stages]) == 1
        assert "not in order" in caplog.text
        caplog.clear()


def test_other_meanings_are_taught_without_changing_anything_else(data, tmp_path):
    start = Pretraining(run_config(data, tmp_path / "first", 2)).run()
    where = ["--data", str(data), "--output", str(tmp_path / "second"), "--start", str(start)]
    assert main([*where, "--only-candidates", "--steps", "8", "--rate", "1e-2", "--fp32", *STAGED]) == 0
    before, _ = checkpoint.load(start)
    after, _ = checkpoint.load(tmp_path / "second" / "weights.safetensors")
    assert after.config.num_candidates == 2
    known, learned = before.state_dict(), after.state_dict()
    assert all(torch.equal(value, learned[name]) for name, value in known.items())
    biases = [name for name in learned if name not in known and "turns" in name and name.endswith("bias")]
    assert len(biases) == 10
    assert all(bool(learned[name].any()) for name in biases), "they begin at 0"


def test_a_run_that_begins_from_weights_goes_on_with_their_network(data, tmp_path):
    """Not with one of other sizes, of which hardly anything would fit."""
    start = Pretraining(run_config(data, tmp_path / "first", 2)).run()
    where = ["--data", str(data), "--output", str(tmp_path / "second"), "--start", str(start)]
    assert main([*where, "--steps", "1", "--rate", "1e-9", "--fp32", *STAGED]) == 0
    before, _ = checkpoint.load(start)
    after, _ = checkpoint.load(tmp_path / "second" / "weights.safetensors")
    assert after.config == before.config
    torch.testing.assert_close(after.state_dict(), before.state_dict(), rtol=1e-2, atol=1e-3)


def test_territories_are_taught_to_tell_an_object_from_the_rest():
    target, valid = torch.zeros(1, 1, 32, 32), torch.ones(1, 1, 32, 32)
    target[..., 8:24, 8:24] = 1
    inside = target[..., ::4, ::4].repeat(1, 4, 1, 1)
    good = torch.where(torch.tensor([1.0, 1, 0, 0]).view(1, 4, 1, 1) > 0, inside, 1 - inside) / 2
    even = torch.full_like(good, 0.25)
    (loss, overlap), (worse, less) = (territory_loss(mix, target, valid) for mix in (good, even))
    assert float(overlap) > 0.99
    assert float(loss) < 0.01
    assert float(worse) > 1 > 0.3 > float(less)
    beside = valid.clone()
    beside[..., 24:] = 0  # what is not known teaches nothing, whatever is predicted there
    spoiled_mix = good.clone()
    spoiled_mix[..., 6:] = 0.25
    assert float(territory_loss(spoiled_mix, target, beside)[0]) < 0.01
    torch.manual_seed(0)
    logits = torch.randn(1, 4, 8, 8, requires_grad=True)
    optimiser = torch.optim.Adam([logits], 0.2)
    losses = []
    for _ in range(40):
        loss, _ = territory_loss(logits.softmax(1), target, valid)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4


@pytest.mark.parametrize("size", [(32, 32), (30, 33), (4, 4)])
def test_territories_of_any_size_are_taught(size):
    target = (torch.rand(2, 1, *size) > 0.5).float()
    mix = torch.rand(2, 5, -(-size[0] // 4), -(-size[1] // 4)).softmax(1)
    loss, overlap = territory_loss(mix, target, torch.zeros_like(target))
    assert bool(torch.isfinite(loss))
    assert 0 <= float(overlap) <= 1


def test_territories_are_taught_to_tell_all_regions_of_a_crop_apart():
    quarters = (
        torch.arange(4).view(2, 2).repeat_interleave(16, 0).repeat_interleave(16, 1)[None]
    )  # [1, 32, 32]
    apart = F.one_hot(quarters[:, ::4, ::4], 6).permute(0, 3, 1, 2).float()  # [1, 6, 8, 8]
    joined = torch.zeros_like(apart)
    joined[:, 0], joined[:, 1] = apart[:, 0] + apart[:, 1], apart[:, 2] + apart[:, 3]
    even = torch.full_like(apart, 1 / 6)
    best, worse, worst = (float(regions_loss(mix, quarters)) for mix in (apart, joined, even))
    assert best < 0.001
    assert worse == pytest.approx(math.log(2), abs=0.01)
    assert worst == pytest.approx(math.log(4), abs=0.01)
    halved = torch.stack([apart[:, 0] / 2, apart[:, 0] / 2, *apart[:, 1:5].unbind(1)], 1)
    assert float(regions_loss(halved, quarters)) < 0.001, "two experts may share a region"
    unknown = torch.where(quarters == 3, 255, quarters)
    spoiled_mix = torch.where(quarters[:, None, ::4, ::4] == 3, 1 / 6, apart)
    assert float(regions_loss(spoiled_mix, unknown)) < 0.001, "what is not known teaches nothing"
    assert float(regions_loss(even, torch.full_like(quarters, 255))) == 0


@pytest.mark.parametrize("size", [(30, 33), (4, 4), (31, 64)])
def test_regions_of_crops_of_any_size_are_taught(size):
    regions = torch.randint(0, MOST_REGIONS + 1, (2, *size))
    mix = torch.rand(2, 5, -(-size[0] // 4), -(-size[1] // 4), requires_grad=True)
    loss = regions_loss(mix.softmax(1), regions)
    loss.backward()
    assert mix.grad is not None
    assert bool(torch.isfinite(mix.grad).all())


def test_regions_of_a_crop_are_numbered_by_area():
    ids = np.zeros((32, 32), np.uint16)
    ids[:, 20:] = 700
    ids[:8, :8] = 9
    ids[31, 31] = 5
    ignored = np.zeros((32, 32), bool)
    ignored[:8, :8] = True
    regions = regions_of(ids, ignored)
    assert regions[16, 4] == 0
    assert regions[16, 25] == 1
    assert (regions[:8, :8] == 255).all()
    assert regions[31, 31] == 255, "too small to be told"
    many = (np.arange(32)[:, None] // 4 * 8 + np.arange(32) // 4).astype(np.uint16)
    kept = np.unique(regions_of(many, np.zeros((32, 32), bool)))
    assert list(kept) == [*range(MOST_REGIONS), 255]


def test_a_run_can_be_averaged_with_the_weights_it_began_from(data, tmp_path, capsys):
    first, second = (
        Pretraining(replace(run_config(data, tmp_path / str(seed), 2), seed=seed)).run() for seed in (1, 2)
    )
    assert average([str(first), str(second), "-o", str(tmp_path / "mean.safetensors")]) == 0
    one, other, mean = (checkpoint.load(path) for path in (first, second, tmp_path / "mean.safetensors"))
    known, others = one[0].state_dict(), other[0].state_dict()
    for name, value in mean[0].state_dict().items():
        torch.testing.assert_close(value, (known[name] + others[name]) / 2, atol=1e-3, rtol=1e-2)
    assert any(not torch.equal(known[name], others[name]) for name in known)
    assert mean[1].provenance["averaged_with"] == hashlib.sha256(second.read_bytes()).hexdigest()
    wider = tmp_path / "wider.safetensors"
    checkpoint.save(wider, build_latent_expert(replace(SMALL, num_experts=6)), one[1])
    assert average([str(first), str(wider), "-o", str(tmp_path / "no.safetensors")]) == 1
    assert "different sizes" in capsys.readouterr().err
    tuned = tmp_path / "tuned.safetensors"
    checkpoint.save(tuned, DetailNetwork.of(one[0], (None, None)), one[1])
    assert average([str(tuned), str(tuned), "-o", str(tmp_path / "no.safetensors")]) == 1
    assert "not fine-tuned" in capsys.readouterr().err
    assert not (tmp_path / "no.safetensors").exists()


def test_what_is_foreground_can_be_learned_alone(data, tmp_path):
    start = Pretraining(run_config(data, tmp_path / "first", 2)).run()
    where = ["--data", str(data), "--output", str(tmp_path / "second"), "--start", str(start)]
    assert main([*where, "--only-classes", "--steps", "3", "--fp32", *STAGED]) == 0
    before, after = (
        checkpoint.load(path)[0] for path in (start, tmp_path / "second" / "weights.safetensors")
    )
    assert after.config == before.config
    known, learned = before.state_dict(), after.state_dict()
    changed = {name for name, value in learned.items() if not torch.equal(value, known[name])}
    assert changed
    assert all(name.startswith(CLASS_PARTS) for name in changed)


def test_other_meanings_need_finished_weights(tmp_path, caplog):
    where = ["--data", str(tmp_path), "--output", str(tmp_path / "run"), "--only-candidates"]
    assert main(where) == 1
    assert "--start" in caplog.text


def test_candidates_alone_learn_and_their_loss_falls():
    torch.manual_seed(0)
    network = build_latent_expert(SMALL, num_candidates=2)
    learn_only(network, CANDIDATE_PARTS)
    learned = {name for name, value in network.named_parameters() if value.requires_grad}
    assert learned == {name for name, _ in network.named_parameters() if name.startswith("click.candidates.")}
    rng = np.random.default_rng(0)
    objects = np.zeros((4, 32, 32), np.uint8)
    objects[:, 8:24, 8:24] = 1
    images = (objects[..., None] * 120 + rng.integers(0, 40, (4, 32, 32, 3))).astype(np.uint8)
    unknown = np.full_like(objects, 255)
    batch = Batch(images, objects, unknown, unknown, unknown, np.zeros(4, np.int64))
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 1e-2)
    losses = []
    for _ in range(30):
        result = candidates_step(network, batch, torch.Generator().manual_seed(0))
        optimiser.zero_grad()
        result.loss.backward()
        optimiser.step()
        losses.append(result.loss.item())
    assert losses[-1] < 0.9 * losses[0]
