"""Makes the figures and measured tables of ``model/ATTENTION.md``: ``python -m tests.figures.attention_gallery``.

Every network that has attention to show learns one picture from nothing (Attention U-Net, SETR, ViT, SegFormer,
AttentionCNN), and is then asked what it attends to there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw
from scipy import ndimage

from latentseg_gui.inference.experts.network_attention import over_image
from latentseg_gui.io.experts.figures import gallery
from model.networks.protocols import GATES, ROLLOUT, capabilities
from model.training.clock import Clock
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.weights.catalogue import fresh_network, offer_named
from model.zoo.attention_maps import attention_layers, gate_maps, rollout
from tests.figures.expert_gallery import BEGIN, END, FIGURES, ROOT, write_small

TEXT = ROOT / "model" / "ATTENTION.md"
NETWORKS = ("attention-unet", "setr", "vit", "segformer", "attention-cnn")
PLACE = (153.0, 72.0)
"""(x, y) of the pixel that is asked about: on the rim of a coin."""

CROSS = 63
"""Colour of the cross in the palette of the picture, behind all greys."""

Maps = dict[str, np.ndarray]


def main() -> None:
    """Lets the networks learn and writes figures and tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=45.0, help="for each network")
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--text", type=Path, default=TEXT)
    parser.add_argument("--cpu-time", action="store_true", help="seconds of the processor, not of the clock")
    options = parser.parse_args()
    torch.set_num_threads(1)
    picture, labels = coins()
    write_picture(picture, options.figures / "attention-coins.png")
    parts = []
    for name in NETWORKS:
        config = FineTuneConfig(num_classes=2, seconds=options.seconds, speed="thorough", seed=0)
        job = finetune(fresh_network(name, 2), [LabelledImage(picture, labels)], config)
        if options.cpu_time:
            job.clock = Clock(options.seconds, time.process_time)
        for _ in job:
            pass
        maps, is_gates = maps_of(job.network, picture)
        write_small(options.figures / f"attention-{name}.png", figure(maps, is_gates=is_gates))
        parts.append(section(name, maps, labels, is_gates=is_gates, steps=job.step, metric=job.metric_after))
        print(parts[-1], flush=True)
    head, _, rest = options.text.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    options.text.write_text(f"{head}{BEGIN}\n\n" + "\n".join(parts) + f"\n{END}{tail}", encoding="utf-8")
    print(sum(path.stat().st_size for path in options.figures.glob("attention-*.png")), "bytes of figures")


def coins() -> tuple[np.ndarray, np.ndarray]:
    """The picture uint8 [H, W, 3], and its labels uint8 [H, W]: 1 where it is brighter than its surroundings."""
    grey = skimage.data.coins()
    smooth = ndimage.gaussian_filter(grey.astype(np.float32), 1.5)
    is_coin = smooth > ndimage.gaussian_filter(smooth, 60) + 12
    pieces, count = ndimage.label(ndimage.binary_fill_holes(is_coin))
    sizes = ndimage.sum_labels(np.ones_like(pieces), pieces, np.arange(count + 1))
    large = np.flatnonzero(sizes > 400)
    labels = np.isin(pieces, large[large > 0]).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2), labels


def write_picture(picture: np.ndarray, path: Path) -> None:
    """The picture with a cross where it is asked."""
    shown = Image.fromarray(picture).quantize(CROSS, dither=Image.Dither.NONE)
    shown.putpalette([*(shown.getpalette() or [])[: 3 * CROSS], 255, 77, 77])
    draw, (x, y) = ImageDraw.Draw(shown), PLACE
    for ends in ((x - 11, y, x + 11, y), (x, y - 11, x, y + 11)):
        draw.line(ends, fill=CROSS, width=3)
    shown.save(path, optimize=True)


def maps_of(network: Any, picture: np.ndarray) -> tuple[Maps, bool]:
    """What there is to show by title, float32 [h, w] each, and whether these are gates."""
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    if GATES in capabilities(network):
        return {f"stride {stride}": gate.numpy() for stride, gate in gate_maps(network, image).items()}, True
    layers = attention_layers(network, image)
    maps = {layer.name: over_image(layer.row_at(*PLACE), layer).mean(0) for layer in layers}
    if ROLLOUT in capabilities(network):
        maps["rollout"] = over_image(rollout(layers, *PLACE)[None], layers[-1])[0]
    return maps, False


def figure(maps: Maps, *, is_gates: bool) -> bytes:
    """All maps in one figure."""
    shape = max((values.shape for values in maps.values()), key=lambda each: each[0] * each[1])
    shown = np.stack([nearest(values, shape) for values in maps.values()])
    words = "What the place attends to, mean of the heads; each map over its own range."
    if is_gates:
        words = "How much detail the gates let through."
    titles = [name.replace(", block ", ".") for name in maps]  # wider ones are cut
    return gallery(shown, titles, words, unit="share", is_shared=is_gates).png()


def nearest(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The values at another grid."""
    rows, cols = (np.arange(new) * old // new for new, old in zip(shape, values.shape, strict=True))
    return values[rows][:, cols]


def coverage(labels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """How much of each cell of a grid is coin, float64 [h, w] in 0..1."""
    grid = Image.fromarray(labels * 255).resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(grid, np.float64) / 255


def section(name: str, maps: Maps, labels: np.ndarray, *, is_gates: bool, steps: int, metric: float) -> str:
    """The figure of one network and what was measured on it."""
    title = offer_named(name).title
    lines = [f"### {title}", "", f"![{title}](../assets/figures/attention-{name}.png)", ""]
    lines += [f"{steps} steps; mean IoU {metric:.2f} on held-out pixels.", ""]
    heads = (
        ("on coins", "beside them") if is_gates else ("of it on coins", "largest share, times an even one")
    )
    lines += [f"| | {heads[0]} | {heads[1]} |", "| --- | --- | --- |"]
    for label, values in maps.items():
        on = coverage(labels, values.shape)
        if is_gates:
            figures = f"{np.average(values, weights=on):.2f} | {np.average(values, weights=1 - on):.2f}"
        else:
            share, largest = np.average(on, weights=values), values.max() / values.mean()
            figures = f"{share:.0%} (area {on.mean():.0%}) | {largest:.1f}"
        lines.append(f"| {label} | {figures} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
