"""What networks without experts have to show: attention gates, what a place attends to, and rollout."""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.headless.subcommand import Failures, announced, ledger_of, output_stems, read_in_time
from latentseg_gui.io.experts.figures import gallery
from latentseg_gui.io.ledger import Ledger

if TYPE_CHECKING:
    from torch import Tensor

    from model.prediction.predictor import Predictor
    from model.zoo.attention_maps import AttentionLayer

Maps = NDArray[np.float32]

FILES: Final = ("gates.png", "gates.npz", "rows.npz", "rollout.png")
"""Names that are known beforehand; rows have a picture per layer besides."""


def what_there_is(predictor: Predictor) -> str:
    """What the network has to show, in a sentence; "" where that is nothing."""
    from model.networks.protocols import GATES, ROLLOUT, ROWS, capabilities
    from model.weights.catalogue import offer_of

    shows, title = capabilities(predictor.network), offer_of(predictor.network).title
    if GATES in shows:
        return (
            f"{title} has no experts; its gates show where detail was let through, 0 to 1, at four strides."
        )
    if ROLLOUT in shows:
        return f"{title} has no experts; shown is what one place attends to per layer and head, and in all."
    if ROWS in shows:
        return f"{title} has no experts; shown is what one place attends to, per layer and head."
    return ""


def inspect_all(options: argparse.Namespace, images: Sequence[Path], predictor: Predictor) -> int:
    """Write what the network shows of every image, each into a folder of its own.

    Raises:
        LatentsegError: it has nothing to show.
    """
    from latentseg_gui.inference.experts.network_attention import shown_image
    from model.networks.protocols import GATES, capabilities
    from model.weights.catalogue import offer_of

    words = what_there_is(predictor)
    if not words:
        raise LatentsegError(
            f"{offer_of(predictor.network).title} has nothing to look into: no experts, and no attention.",
            action="Attention U-Net shows its gates, and setr, vit, segformer and attention-cnn what places "
            "attend to.",
        )
    print(words)
    ledger, stems, failures = ledger_of(options), output_stems(images), Failures()
    ledger.check([options.output / stem / name for stem in stems.values() for name in FILES])
    for path in announced(images):
        with failures.caught(path):
            image = shown_image(predictor, read_in_time(path).pixels)
            if GATES in capabilities(predictor.network):
                _write_gates(predictor, image[0], options.output / stems[path], ledger)
            else:
                _write_rows(predictor, image, options.at, options.output / stems[path], ledger)
    return failures.exit_code()


def place(text: str) -> tuple[float, float]:
    """(x, y) out of "120,80"."""
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"“{text}” is not a pixel; write column and row, such as 120,80."
        ) from error
    return x, y


def _write_gates(predictor: Predictor, image: Tensor, folder: Path, ledger: Ledger) -> None:
    from model.zoo.attention_maps import gate_maps

    network: Any = predictor.network
    gates = {stride: gate.numpy() for stride, gate in gate_maps(network, image).items()}
    side = max(gates.values(), key=lambda gate: gate.size).shape
    shown = np.stack([_enlarged(gate, side) for gate in gates.values()])
    titles = [f"stride {stride}" for stride in gates]
    figure = gallery(shown, titles, "How much detail the gates let through.", unit="share")
    ledger.write(folder / "gates.png", figure.png())
    ledger.write(folder / "gates.npz", _npz({f"stride_{stride}": gate for stride, gate in gates.items()}))


def _write_rows(
    predictor: Predictor,
    image: tuple[Tensor, tuple[float, float]],
    at: tuple[float, float] | None,
    folder: Path,
    ledger: Ledger,
) -> None:
    from model.networks.protocols import ROLLOUT, capabilities
    from model.zoo.attention_maps import attention_layers, rollout

    network: Any = predictor.network
    tensor, scale = image
    height, width = tensor.shape[-2:]
    x, y = (width / 2, height / 2) if at is None else (at[0] * scale[0], at[1] * scale[1])
    layers = attention_layers(network, tensor)
    arrays: dict[str, Maps] = {}
    for layer in layers:
        rows = layer.row_at(x, y).numpy()
        name = layer.name.replace(", ", "_").replace(" ", "_")
        arrays[name] = rows
        _write_layer(layer, rows, folder / f"rows_{name}.png", ledger)
    if ROLLOUT in capabilities(predictor.network):
        arrays["rollout"] = rollout(layers, x, y).numpy()
        caption = "What the place has seen in the end, through all layers."
        figure = gallery(arrays["rollout"][None], ["rollout"], caption, unit="share")
        ledger.write(folder / "rollout.png", figure.png())
    arrays["at"] = np.array([x / scale[0], y / scale[1]], np.float32)
    ledger.write(folder / "rows.npz", _npz(arrays))


def _write_layer(layer: AttentionLayer, rows: Maps, path: Path, ledger: Ledger) -> None:
    titles = [f"head {head}" for head in range(1, layer.num_heads + 1)]
    caption = f"What the place attends to, {layer.name}; each map sums to 1."
    ledger.write(path, gallery(rows, titles, caption, unit="share", is_shared=False).png())


def _enlarged(values: Maps, shape: tuple[int, ...]) -> Maps:
    """Nearest values at a finer grid."""
    rows, cols = (np.arange(new) * old // new for new, old in zip(shape, values.shape, strict=True))
    enlarged: Maps = values[rows][:, cols]
    return enlarged


def _npz(arrays: Mapping[str, Maps]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **dict(arrays))  # type: ignore[arg-type]
    return out.getvalue()
