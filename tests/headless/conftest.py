"""Small weights, small pictures, and the command line in this process."""

import time

import numpy as np
import pytest
import torch
from PIL import Image

from latentseg_gui import cli
from model.networks.config import NetworkConfig
from model.networks.network import build_latent_expert
from model.prediction import device
from model.training.clock import Clock
from model.weights.checkpoint import CheckpointMeta, save

SMALL = NetworkConfig(
    num_classes=2,
    num_experts=5,
    feature_dim=32,
    widths=(16, 32, 32, 32, 32),
    depths=(1, 1, 1, 1),
    path_widths=(32, 32),
    click_widths=(16, 16, 32, 32, 32),
    embed_dim=8,
)


@pytest.fixture(autouse=True)
def _calm(monkeypatch):
    """One thread, float32 without measuring, and seconds of the processor: others may share the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(device, "fast_dtype", lambda kind: torch.float32)
    monkeypatch.setattr(Clock.__init__, "__defaults__", (time.process_time,))
    yield
    torch.set_num_threads(before)


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    meta = CheckpointMeta(("background", "thing"), ("#000000", "#E69F00"), {2: "edges"})
    save(path, build_latent_expert(SMALL), meta)
    return path


def paint(path, rows=48, cols=64, seed=0):
    """A picture of noise with a bright square; where the square is."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 60, (rows, cols, 3), dtype=np.uint8)
    truth = np.zeros((rows, cols), np.uint8)
    top, left = generator.integers(4, rows - 24), generator.integers(4, cols - 24)
    truth[top : top + 20, left : left + 20] = 1
    pixels[truth == 1] += 150
    Image.fromarray(pixels).save(path)
    return truth


@pytest.fixture
def folders(tmp_path):
    """Images and masks of three scenes."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for index in range(3):
        truth = paint(images / f"scene {index}.png", seed=index)
        Image.fromarray(truth).save(masks / f"scene {index}.png")
    return images, masks


@pytest.fixture
def latentseg(capsys):
    """Run the command line: (exit code, stdout, stderr)."""

    def run(*arguments):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            code = end.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
