"""Street scenes, eleven classes: the default network fine-tuned, a U-Net and the tutorial's model, one budget.

    python -m tests.benchmarks.camvid --data DIR [--seconds 300] [--clock wall|cpu] [--learners default,unet,tutorial]

DIR holds camvid_train and camvid_val (images/, masks/). Every learner sees the same pictures for the
same time, on the CPU; the budget covers everything but reading the files. One confusion matrix over
all of camvid_val; pixels with no class (255) do not count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from model.analysis.metrics import confusion_matrix
from model.networks.latent_experts import SegmentationModel
from model.prediction.predictor import Predictor
from model.training.augment import jitter_colour
from model.training.clock import Clock, rate_at
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.objective import class_weights
from model.weights.checkpoint import CheckpointMeta, default_weights_path, load, save

NAMES = (
    *("sky", "building", "pole", "road", "pavement", "tree"),
    *("sign", "fence", "car", "pedestrian", "cyclist"),
)
CLASSES = len(NAMES)
IGNORED = 255
CROP = 256
BATCH = 4
RATE = 3e-3

Sample = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Labeller = Callable[[NDArray[np.uint8]], NDArray[np.integer]]


@dataclass(frozen=True)
class Budget:
    """Seconds, of the clock on the wall or of the processor."""

    seconds: float
    kind: str
    processor_seconds: float

    def clock(self) -> Clock:
        """A clock that starts now."""
        if self.kind == "wall":
            return Clock(self.seconds)
        return Clock(self.seconds, now=lambda: time.process_time() / self.processor_seconds)


def read(folder: Path, count: int = 0) -> list[Sample]:
    """Pictures uint8 [H, W, 3] with their labels uint8 [H, W], evenly spaced if not all are wanted."""
    files = sorted((folder / "images").iterdir())
    chosen = files if not count else files[:: max(1, len(files) // count)][:count]
    return [
        (
            np.array(Image.open(file).convert("RGB")),
            np.array(Image.open(folder / "masks" / f"{file.stem}.png")),
        )
        for file in chosen
    ]


class Block(nn.Sequential):
    """Two 3x3 convolutions with batch normalisation."""

    def __init__(self, before: int, after: int) -> None:
        layers: list[nn.Module] = []
        for width in (before, after):
            layers += [nn.Conv2d(width, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*layers)


class UNet(nn.Module):
    """A plain U-Net: 16 channels at full resolution, doubled at each of four halvings."""

    def __init__(self, num_classes: int, width: int = 16, depth: int = 4) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.downs = nn.ModuleList(
            Block(before, after) for before, after in zip([3, *widths], widths, strict=False)
        )
        self.ups = nn.ModuleList(Block(widths[i] + widths[i + 1], widths[i]) for i in reversed(range(depth)))
        self.last = nn.Conv2d(width, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, H, W] -> logits [B, C, H, W]; sides are multiples of 16."""
        kept = []
        for level, down in enumerate(self.downs):
            x = down(x if level == 0 else F.max_pool2d(x, 2))
            kept.append(x)
        for up, level in zip(self.ups, kept[-2::-1], strict=True):
            x = up(torch.cat((F.interpolate(x, scale_factor=2.0), level), 1))
        logits: Tensor = self.last(x)
        return logits


def crops(samples: list[Sample], generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of crops [B, 3, CROP, CROP] and labels: scale 0.75 to 1.5, mirrored, light and colour changed."""

    def draw(limit: int) -> int:
        return int(torch.randint(limit, (), generator=generator))

    while True:
        images, labels = [], []
        for _ in range(BATCH):
            picture, mask = samples[draw(len(samples))]
            side = min(int(CROP * 2 ** (draw(1000) / 1000 - 0.58)), *mask.shape)
            top, left = (draw(length - side + 1) for length in mask.shape)
            window = slice(top, top + side), slice(left, left + side)
            image = torch.from_numpy(picture[window].copy()).permute(2, 0, 1)[None].float() / 255
            label = torch.from_numpy(mask[window].copy())[None, None].float()
            image = F.interpolate(image, (CROP, CROP), mode="bilinear", antialias=True)
            label = F.interpolate(label, (CROP, CROP), mode="nearest")
            if draw(2):
                image, label = image.flip(-1), label.flip(-1)
            images.append(image)
            labels.append(label[:, 0].long())
        yield jitter_colour(torch.cat(images), generator, strength=0.5, grey=0.0), torch.cat(labels)


def train(network: nn.Module, samples: list[Sample], budget: Budget) -> tuple[Labeller, int]:
    """Teach ``network`` from scratch; returns how it labels a picture and the number of steps."""
    clock, generator = budget.clock(), torch.Generator().manual_seed(0)
    counts = sum(
        (np.bincount(mask[mask != IGNORED], minlength=CLASSES) for _, mask in samples), np.zeros(CLASSES)
    )
    weights = class_weights(torch.from_numpy(counts).long())
    network = network.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    steps = 0
    for images, labels in crops(samples, generator):
        if clock.fraction >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = RATE * rate_at(clock.fraction)
        optimiser.zero_grad(set_to_none=True)
        loss = F.cross_entropy(_logits(network, images), labels, weights, ignore_index=IGNORED)
        loss.backward()
        optimiser.step()
        steps += 1
    network.eval()

    @torch.inference_mode()
    def label(image: NDArray[np.uint8]) -> NDArray[np.integer]:
        height, width = image.shape[:2]
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        padded = F.pad(pixels, (0, -width % 16, 0, -height % 16), mode="replicate")
        return _logits(network, padded)[0, :, :height, :width].argmax(0).numpy()

    return label, steps


def _logits(network: nn.Module, images: Tensor) -> Tensor:
    """Full-size logits of pictures in 0..1."""
    centred = ((images - 0.45) / 0.25).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(centred)
    if isinstance(logits, tuple):
        logits = logits[0]
    return F.interpolate(logits.float(), images.shape[-2:], mode="bilinear")


def fine_tune(samples: list[Sample], budget: Budget, output: Path | None) -> tuple[Labeller, int]:
    """The default weights, fine-tuned thoroughly."""
    start, _ = load(default_weights_path())
    config = FineTuneConfig(
        num_classes=CLASSES,
        seconds=budget.seconds,
        speed="thorough",
        classes_kept=(None,) * CLASSES,
        held_out=0.0,
    )
    job = finetune(start, [LabelledImage(image, mask) for image, mask in samples], config)
    job.clock = budget.clock()
    steps = max(progress.step for progress in job)
    if output is not None:
        save(output, job.network, CheckpointMeta(class_names=NAMES))
    predictor = Predictor(job.network)

    def label(image: NDArray[np.uint8]) -> NDArray[np.integer]:
        predictor.set_image(image)
        return predictor.predict_classes().labels

    return label, steps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--processor-seconds", type=float, default=1.7, help="--clock cpu: for one second")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--learners", default="default,unet,tutorial")
    parser.add_argument("--pictures", type=int, default=0, help="of camvid_val; 0 for all")
    parser.add_argument("--output", type=Path, help="keep the fine-tuned weights")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    budget = Budget(options.seconds, options.clock, options.processor_seconds)
    samples = read(options.data / "camvid_train")
    pictures = read(options.data / "camvid_val", options.pictures)
    print("| learner | steps | mIoU, 11 classes | pixels right | IoU per class |\n|---|---|---|---|---|")
    for name in options.learners.split(","):
        torch.manual_seed(0)
        label, steps = {
            "default": lambda: fine_tune(samples, budget, options.output),
            "unet": lambda: train(UNet(CLASSES), samples, budget),
            "tutorial": lambda: train(SegmentationModel(num_classes=CLASSES), samples, budget),
        }[name]()
        total = np.zeros((CLASSES, CLASSES), np.int64)
        for image, mask in pictures:
            total += confusion_matrix(mask, label(image).astype(np.uint8), CLASSES)
        hits = np.diag(total)
        each = hits / np.maximum(total.sum(0) + total.sum(1) - hits, 1)
        row = " ".join(f"{value:.2f}" for value in each)
        print(
            f"| {name} | {steps} | {each.mean():.3f} | {hits.sum() / total.sum():.3f} | {row} |", flush=True
        )


if __name__ == "__main__":
    main()
