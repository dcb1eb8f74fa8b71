"""Weights for the rest of the world: a network's classes as an ONNX file, with all that a reader must know.

An ONNX file of ours takes "image", float32 [1, 3, H, W], RGB in 0..1, of the size that it was exported for, and
answers "logits", float32 [1, C, H, W]. Padding and normalisation are inside. Names of the classes, the range of
the input and where it comes from stand in the file's metadata, and in a description beside it that follows the
bioimage.io model specification (format 0.5) in what it says of inputs, outputs and axes.
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from model.errors import ModelError
from model.weights.atomic import write_atomically
from model.weights.checkpoint import CheckpointMeta
from model.zoo.objects import ObjectNetwork
from model.zoo.registry import architecture_of

OPSET: Final = 18
MAX_SIDE: Final = 4096
_LARGEST_WEIGHT: Final = 1 << 24
"""Bytes of a constant with which is calculated when a file is written."""
NO_OBJECTS: Final = (
    "not in the file: classes only. latentseg tells touching objects apart with a map that is not exported, brightens"
    " dark images first, and reduces images whose objects are larger than those that were learned from"
)


class _Classes(nn.Module):
    """Image in, class logits out: what an exported file computes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network

    def forward(self, image: Tensor) -> Tensor:
        """[1, 3, H, W] in 0..1 -> [1, C, H, W]."""
        # Of objects and clicks nothing is exported, so nothing of them has to be worked out.
        encode = getattr(self.network, "encode_for_classes", self.network.encode)
        logits: Tensor = self.network.classify(encode(image)).logits
        return logits


def export_onnx(
    network: nn.Module,
    path: Path | str,
    meta: CheckpointMeta | None = None,
    *,
    size: tuple[int, int] = (512, 512),
) -> None:
    """Write ``network`` as an ONNX file, and NAME.rdf.yaml beside it; either whole or not at all.

    Args:
        network: with ``encode`` and ``classify``; it stays as it is.
        path: NAME.onnx.
        meta: names of the classes and provenance.
        size: height and width of the images that the file takes, 1..4096.

    Raises:
        ModelError: what exporting needs is not installed, the network does not allow it, or the disk refuses.
    """
    path, meta = Path(path), meta or CheckpointMeta()
    if not all(1 <= side <= MAX_SIDE for side in size):
        raise ModelError(
            f"An image of {size[0]} x {size[1]} pixels cannot be exported for.",
            action=f"Give a height and a width from 1 to {MAX_SIDE}.",
        )
    if find_spec("onnxscript") is None or find_spec("onnx") is None:
        raise ModelError(
            "Exporting to ONNX needs the packages onnx and onnxscript.",
            action='Install them: python -m pip install "latentseg[onnx]"',
        )
    if isinstance(network, ObjectNetwork) and network.is_made_of_objects:
        raise ModelError(
            "Mask R-CNN cannot be exported to ONNX: how many objects there are decides what is computed.",
            action="Export a network for areas, such as Panoptic FPN; its objects are not in the file.",
        )
    description = _description(network, meta, size)
    data = _as_onnx(network, description, size)
    try:
        write_atomically(path, data)
        write_atomically(path.with_suffix(".rdf.yaml"), _rdf(path.name, description).encode())
    except OSError as error:
        raise ModelError(
            f'The network could not be written to "{path}": {error.strerror or error}.',
            action="Free some space or choose another folder; what was there before is unchanged.",
        ) from error


def _description(network: nn.Module, meta: CheckpointMeta, size: tuple[int, int]) -> dict[str, str]:
    """What the file says about itself; every value is a text."""
    any_network: Any = network
    num_classes = int(any_network.config.num_classes)
    extra = {"objects": NO_OBJECTS} if getattr(network, "separates", False) else {}
    names = meta.class_names or tuple(f"class {index}" for index in range(num_classes))
    return {
        "architecture": architecture_of(network).name,
        "class_names": json.dumps(list(names)),
        "input": f"RGB, float32 [1, 3, {size[0]}, {size[1]}], 0..1; normalised inside",
        "output": f"class logits, float32 [1, {num_classes}, {size[0]}, {size[1]}]",
        "opset": str(OPSET),
        "producer": "latentseg",
        **extra,
    }


def _as_onnx(network: nn.Module, description: dict[str, str], size: tuple[int, int]) -> bytes:
    wrapped = _Classes(copy.deepcopy(network).to("cpu", torch.float32)).eval().requires_grad_(False)
    example = torch.zeros(1, 3, *size)
    with _quiet():
        try:
            program = torch.onnx.export(
                wrapped,
                (example,),
                dynamo=True,
                input_names=["image"],
                output_names=["logits"],
                opset_version=OPSET,
                optimize=False,
                verbose=False,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            raise ModelError(
                f"A network of the kind {description['architecture']} cannot be exported to ONNX.",
                action="Use a network of the zoo, such as U-Net.",
                detail=str(error)[:500],
            ) from error
    if program is None:
        raise ModelError("The network was not exported.", action="Try another size.")
    with _quiet():
        _simplify(program)
    model = program.model_proto
    for key, value in description.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    data: bytes = model.SerializeToString()
    return data


def _simplify(program: torch.onnx.ONNXProgram) -> None:
    """Work out what is constant. The exporter's own optimiser also drops what is added to keep roots away from 0.

    It takes 1e-8 for 0, and the filters that the default network sees edges with are another thing without.
    """
    from onnxscript import optimizer

    optimizer.inline(program.model)
    # Of large weights, too: onnxruntime mistakes a border round the weights of a convolution for one round its map.
    optimizer.fold_constants(program.model, input_size_limit=_LARGEST_WEIGHT)
    optimizer.remove_unused_nodes(program.model)
    optimizer.remove_unused_functions(program.model)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's notes about packages that are not needed here, and about what it did not simplify."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _rdf(file_name: str, description: dict[str, str]) -> str:
    """The description as YAML; texts are JSON strings, which YAML reads as they are."""
    names = json.loads(description["class_names"])
    lines = [
        "type: model",
        "format_version: 0.5.3",
        f"name: {json.dumps('latentseg ' + description['architecture'])}",
        f"description: {json.dumps('Class logits by ' + description['architecture'])}",
        "inputs:",
        "- id: image",
        "  axes: [batch, channel, y, x]",
        f"  description: {json.dumps(description['input'])}",
        "  data: {type: float32, range: [0.0, 1.0]}",
        "outputs:",
        "- id: logits",
        "  axes: [batch, channel, y, x]",
        f"  channel_names: {json.dumps(names)}",
        f"  description: {json.dumps(description['output'])}",
        "weights:",
        "  onnx:",
        f"    source: {json.dumps(file_name)}",
        f"    opset_version: {OPSET}",
    ]
    return "\n".join(lines) + "\n"
