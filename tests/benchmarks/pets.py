"""The sources' own comparison, made again: cats and dogs at 128x128 with their outline as a third class.

    python -m tests.benchmarks.pets DATA --output DIR --epochs 6 [--networks vit,unet,latent-expert]

DATA holds ``images`` and ``masks`` (0 background, 1 pet, 255 the band between them). Every network learns by the
sources' recipe for the vision transformer: horizontal flips and changes of colour, Adam at 4e-4, times .8 every
twelve epochs, cross-entropy. One split for all: every fifth picture is measured on. The sources give 85.89 % of
the pixels for their vision transformer and 88.28 % for a convolutional network, on more pictures and far more epochs.

DIR holds ``table.csv`` (a row an epoch and network), weights after every epoch (the same command goes on from
them), and ``blocks.png``: how the answers for two pictures change with the epochs. It holds answers only, no
photograph and no mask of the data.

The default network begins from the shipped weights, which have seen these pictures and their labels;
with ``--encoder FILE`` (see `model.pretraining.convert`) it begins from an encoder that has seen ImageNet, and nothing
else of it has learned anything.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from model.analysis.metrics import confusion_matrix, mean_iou
from model.networks.config import NetworkConfig
from model.networks.detail_network import DetailNetwork
from model.networks.network import build_latent_expert
from model.pretraining.start import begin_from
from model.training.augment import jitter_colour
from model.weights.catalogue import LATENT_EXPERT, count_parameters, fresh_network

CLASSES = 3
BATCH = 16
RATE = 4e-4
DECAY, DECAY_EVERY = 0.8, 12
MEASURED_EVERY = 5
SHOWN = 4
DRAWN_PICTURES = (0, 1)
DRAWN_EPOCHS = (1, 2, 3, 4, 8, 12, 20, 30, 40, 50)
NETWORKS = ("vit", "unet", LATENT_EXPERT)
FIELDS = ("network", "epoch", "accuracy", "mean_iou", "processor_seconds", "parameters")
TITLES = {"vit": "vision\ntransformer", "unet": "U-Net", LATENT_EXPERT: "latent\nexperts"}
MARGIN, LINE = 90, 24
COLOURS = np.array([(32, 34, 40), (236, 170, 72), (120, 160, 236)], np.uint8)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Set:
    """Pictures uint8 [N, H, W, 3] and their classes uint8 [N, H, W]."""

    images: Pixels
    labels: Pixels

    def batch(self, which: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Images [B, 3, H, W] in 0..1 and labels int64 [B, H, W]."""
        images = torch.from_numpy(self.images[which]).permute(0, 3, 1, 2)  # [B, 3, H, W]
        return images.float() / 255, torch.from_numpy(self.labels[which]).long()


def read_set(folder: Path, limit: int) -> tuple[Set, Set]:
    """What is learned from, and what is measured on."""
    masks = sorted((folder / "masks").iterdir())[: limit or None]
    images = {path.stem: path for path in (folder / "images").iterdir()}
    pixels = np.stack([np.asarray(Image.open(images[mask.stem]).convert("RGB")) for mask in masks])
    labels = np.stack([np.asarray(Image.open(mask)) for mask in masks])
    labels = np.where(labels == 255, 2, labels).astype(np.uint8)
    is_measured = np.arange(len(masks)) % MEASURED_EVERY == 0
    return Set(pixels[~is_measured], labels[~is_measured]), Set(pixels[is_measured], labels[is_measured])


def network_for(name: str, encoder: Path | None) -> Any:
    """A network with three classes, as learning begins with it."""
    if name != LATENT_EXPERT:
        return fresh_network(name, CLASSES)
    if encoder is None:
        start: Any = fresh_network(name, CLASSES)
    else:
        start = build_latent_expert(NetworkConfig.pretrained())
        begin_from(start, encoder=encoder)
    return DetailNetwork.of(start, (None,) * CLASSES)


def steps(count: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Batches of one epoch."""
    order = np.random.default_rng(seed).permutation(count)
    for start in range(0, count - BATCH + 1, BATCH):
        yield order[start : start + BATCH]


def learn(network: Any, optimiser: torch.optim.Optimizer, lessons: Set, epoch: int) -> None:
    """One epoch."""
    for group in optimiser.param_groups:
        group["lr"] = RATE * DECAY ** (epoch // DECAY_EVERY)
    generator = torch.Generator().manual_seed(epoch)
    network.train()
    for which in steps(len(lessons.images), epoch):
        images, labels = lessons.batch(which)
        if bool(torch.rand((), generator=generator) < 0.5):
            images, labels = images.flip(-1), labels.flip(-1)
        logits = network.classify(network.encode(jitter_colour(images, generator))).logits
        optimiser.zero_grad(set_to_none=True)
        loss: Any = F.cross_entropy(logits, labels)
        loss.backward()
        optimiser.step()
    network.eval()


@torch.inference_mode()
def answers(network: Any, measured: Set) -> Pixels:
    """Classes uint8 [N, H, W]."""
    made = []
    for start in range(0, len(measured.images), BATCH):
        images, _ = measured.batch(np.arange(start, min(start + BATCH, len(measured.images))))
        made.append(network.classify(network.encode(images)).logits.argmax(1).to(torch.uint8).numpy())
    return np.concatenate(made)


def run(name: str, lessons: Set, measured: Set, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Rows of a network, one an epoch, beginning where an earlier run ended."""
    torch.manual_seed(0)
    network = network_for(name, options.encoder).requires_grad_(True)
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    kept = options.output / f"{name}.pt"
    first, seconds = 0, 0.0
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        first, seconds = state["epoch"], state["seconds"]
    for epoch in range(first, options.epochs):
        begun = time.process_time()
        learn(network, optimiser, lessons, epoch)
        seconds += time.process_time() - begun
        found = answers(network, measured)
        confusion = confusion_matrix(measured.labels, found, CLASSES)
        np.save(options.output / f"{name}_{epoch + 1}.npy", found[:SHOWN])
        state = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
        torch.save({**state, "epoch": epoch + 1, "seconds": seconds}, kept)
        yield {
            "network": name,
            "epoch": epoch + 1,
            "accuracy": round(float(np.trace(confusion) / confusion.sum()), 4),
            "mean_iou": round(mean_iou(confusion), 4),
            "processor_seconds": round(seconds),
            "parameters": count_parameters(network),
        }


def draw_blocks(folder: Path) -> None:
    """The answers to some pictures after some epochs: a column an epoch, for every network a row a picture."""
    kept = {
        (name, epoch): np.load(path)
        for name in NETWORKS
        for epoch in DRAWN_EPOCHS
        if (path := folder / f"{name}_{epoch}.npy").exists()
    }
    names = [name for name in NETWORKS if any(each == name for each, _ in kept)]
    epochs = sorted({epoch for _, epoch in kept})
    side = max(each.shape[1] for each in kept.values()) + 4
    size = MARGIN + side * len(epochs), LINE + side * len(names) * len(DRAWN_PICTURES)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, epoch in enumerate(epochs):
        draw.text(
            (MARGIN + column * side, 4),
            "epoch 1" if epoch == 1 else f"{epoch}",
            "black",
            ImageFont.load_default(13),
        )
    for row, (name, picture) in enumerate(itertools.product(names, DRAWN_PICTURES)):
        top = LINE + row * side
        if picture == DRAWN_PICTURES[0]:
            draw.text((4, top), TITLES[name], "black", font)
        for column, epoch in enumerate(epochs):
            if (name, epoch) in kept:
                answer = Image.fromarray(COLOURS[kept[name, epoch][picture]])
                sheet.paste(answer, (MARGIN + column * side, top))
    sheet.quantize(64).save(folder / "blocks.png", optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--limit", type=int, default=0, help="pictures, 0 for all")
    parser.add_argument("--encoder", type=Path, help="what the default network begins from")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    lessons, measured = read_set(options.data, options.limit)
    table = options.output / "table.csv"
    is_new = not table.exists()
    with table.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        for name in options.networks.split(","):
            for row in run(name, lessons, measured, options):
                writer.writerow(row)
                file.flush()
                draw_blocks(options.output)


if __name__ == "__main__":
    main()
