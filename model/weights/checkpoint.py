"""Weights on disk: one safetensors file with all that is needed to build the network again.

Beside the tensors lies one string, "latentseg", a JSON table: `format`, `architecture`, `config`,
`class_names`, `class_colours`, `expert_names`, `provenance`. Loading always builds a new network, so
that a refused file cannot touch the one in use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from model.errors import ModelError, WeightsError
from model.weights.atomic import write_atomically
from model.weights.checks import MAX_METADATA_BYTES, Header, read_checked
from model.weights.packing import dequantised, dequantised_header, quantised
from model.weights.shipped import chosen_weights, shipped_path
from model.zoo.registry import architecture_of, build_network

FORMAT: Final = 1
METADATA_KEY: Final = "latentseg"
MAX_CLASSES: Final = 255
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_DTYPES: Final[Mapping[torch.dtype, str]] = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip

MOST_PIXELS: Final = 1 << 30
"""Of the smallest object of a class: nobody can mean more."""


@dataclass(frozen=True)
class CheckpointMeta:
    """What a file of weights says about itself.

    Attributes:
        class_names: by class id; may be empty.
        class_colours: "#rrggbb" by class id; may be empty.
        expert_names: names that a person gave to experts, by index.
        provenance: anything JSON can hold: data, time, figures, the version it started from.
        architecture: name in the zoo; filled in by `save`.
        config: arguments of the network; filled in by `save`.
        smallest: pixels of the smallest object by class id, -1 for a class without objects (stuff); empty where
            nobody has said.
    """

    class_names: tuple[str, ...] = ()
    class_colours: tuple[str, ...] = ()
    expert_names: Mapping[int, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    architecture: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    smallest: tuple[int, ...] = ()


def default_weights_path() -> Path:
    """Those of the weights that come with the program that are in use (`model.weights.shipped`).

    Raises:
        WeightsError: the installation is incomplete.
        ModelError: the environment names weights that do not come with it.
    """
    return shipped_path(chosen_weights())


def save(
    path: Path | str, network: nn.Module, meta: CheckpointMeta | None = None, *, is_packed: bool = False
) -> None:
    """Write ``network`` to ``path``, whole or not at all.

    Args:
        path: usually NAME.safetensors.
        network: of an architecture that the zoo knows; it stays where it is.
        meta: names, colours and provenance; architecture and config come from the network.
        is_packed: with 8 bits a number instead of what it has (`model.weights.packing`): for files that are shipped.

    Raises:
        ModelError: the weights hold NaN, the architecture is unknown, or the disk refuses.
    """
    path, meta = Path(path), meta or CheckpointMeta()
    architecture = architecture_of(network)
    state = {name: t.detach().to("cpu").contiguous().clone() for name, t in network.state_dict().items()}
    broken = _not_finite(state)
    if broken:
        raise ModelError(
            f"These weights were not saved: {broken[0]} and {len(broken) - 1} more hold values that are not"
            " numbers.",
            action="Go back to an earlier version.",
            detail="\n".join(broken),
        )
    text = json.dumps(_table(meta, architecture.name, architecture.config_of(network)), allow_nan=False)
    if len(text) > MAX_METADATA_BYTES:
        raise ModelError("These weights were not saved: their notes are too long.", action="Shorten them.")
    try:
        write_atomically(
            path, safetensors_torch.save(quantised(state) if is_packed else state, {METADATA_KEY: text})
        )
    except OSError as error:
        raise ModelError(
            f'The weights could not be written to "{path}": {error.strerror or error}.',
            action="Free some space or choose another folder; what was there before is unchanged.",
        ) from error


def _table(meta: CheckpointMeta, architecture: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "architecture": architecture,
        "config": dict(config),
        "class_names": list(meta.class_names),
        "class_colours": list(meta.class_colours),
        "smallest_objects": list(meta.smallest),
        "expert_names": {str(index): name for index, name in meta.expert_names.items()},
        "provenance": dict(meta.provenance),
    }


def read_meta(path: Path | str) -> CheckpointMeta:
    """What the file says about itself, checked; no tensor is built.

    Raises:
        WeightsError: the file was refused.
    """
    path = Path(path)
    _, header = read_checked(path)
    return _parse_meta(header, path)


def load(path: Path | str) -> tuple[nn.Module, CheckpointMeta]:
    """Build the network of a file of weights: a new one, on the CPU, in evaluation mode.

    Raises:
        WeightsError: the file was refused. ``differences`` lists what does not fit, if that was why.
    """
    path = Path(path)
    data, header = read_checked(path)
    meta = _parse_meta(header, path)
    with torch.device("meta"), Unfilled():  # names and shapes without memory, before anything is allocated
        expected = build_network(meta.architecture, meta.config).state_dict()
    differences = _differences(expected, dequantised_header(header))
    if differences:
        shown = "; ".join(differences[:3]) + ("; ..." if len(differences) > 3 else "")
        raise WeightsError(
            f'The weights in "{path.name}" do not fit the network "{meta.architecture}": {shown}.',
            action="Use weights that this program exported; the ones in use were not changed.",
            differences=tuple(differences),
        )
    state = _tensors(data, path)
    network = build_network(meta.architecture, meta.config)
    network.load_state_dict(state, strict=True)
    return network.eval(), meta


class Unfilled(TorchFunctionMode):
    """Parameters get no first values.

    Without memory there is nothing to fill, and torch would import its compiler, 1.5 s, to find that out.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.randn:
            return torch.empty(*args, **kwargs)
        if getattr(func, "__module__", "") == nn.init.__name__:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def _tensors(data: bytes, path: Path) -> dict[str, Tensor]:
    try:
        state = dequantised(safetensors_torch.load(data))
    except SafetensorError as error:
        raise WeightsError(
            f'The file "{path.name}" is broken.', action="Export it again.", detail=str(error)
        ) from error
    broken = _not_finite(state)
    if broken:
        raise WeightsError(
            f'The weights in "{path.name}" hold values that are not numbers, for one in "{broken[0]}".',
            action="Use another file; the weights in use were not changed.",
            differences=tuple(f"{name}: holds NaN or infinity" for name in broken),
        )
    return state


def _not_finite(state: Mapping[str, Tensor]) -> list[str]:
    return [name for name, t in state.items() if t.is_floating_point() and not bool(t.isfinite().all())]


def _differences(expected: Mapping[str, Tensor], header: Header) -> list[str]:
    found = header.tensors
    is_half = _is_half(expected, header)
    lines = [f"{name}: missing" for name in expected if name not in found]
    lines += [f"{name}: unknown to the network" for name in found if name not in expected]
    for name, tensor in expected.items():
        entry = found.get(name)
        if entry is None:
            continue
        if entry.shape != tuple(tensor.shape):
            lines.append(f"{name}: shape {list(entry.shape)} instead of {list(tensor.shape)}")
        elif entry.dtype != (
            wanted := "F16" if is_half and tensor.is_floating_point() else _DTYPES[tensor.dtype]
        ):
            lines.append(f"{name}: number format {entry.dtype} instead of {wanted}")
    return lines


def _is_half(expected: Mapping[str, Tensor], header: Header) -> bool:
    """Whether all weights were stored with 16 bits, as the shipped ones are; they are widened on loading."""
    formats = {
        header.tensors[n].dtype for n, t in expected.items() if t.is_floating_point() and n in header.tensors
    }
    return formats == {"F16"}


def _parse_meta(header: Header, path: Path) -> CheckpointMeta:
    text = header.metadata.get(METADATA_KEY)
    if text is None:
        raise WeightsError(
            f'The file "{path.name}" does not say which network it belongs to.',
            action="Use weights that this program exported.",
        )
    try:
        return _meta_from(json.loads(text))
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise WeightsError(
            f'The description inside "{path.name}" is broken.',
            action="Use weights that this program exported.",
            detail=str(error)[:500],
        ) from error


def _meta_from(table: Any) -> CheckpointMeta:
    """A description out of JSON; raises ValueError and the like where it is not one."""
    if not isinstance(table, dict) or not isinstance(table.get("format"), int):
        raise ValueError("no format number")
    if table["format"] > FORMAT:
        raise WeightsError(
            f"These weights are of format {table['format']}, from a newer version of this program.",
            action="Update the program.",
        )
    names, colours = _strings(table.get("class_names", [])), _strings(table.get("class_colours", []))
    if not all(_COLOUR.fullmatch(colour) for colour in colours):
        raise ValueError("a colour is not of the form #rrggbb")
    experts = table.get("expert_names", {})
    for part in ("config", "provenance", "expert_names"):
        if not isinstance(table.get(part, {}), dict):
            raise ValueError(f"{part} is not a table")
    if names and len(names) != table.get("config", {}).get("num_classes", len(names)):
        raise ValueError(f"{len(names)} names for another number of classes")
    return CheckpointMeta(
        class_names=names,
        class_colours=colours,
        expert_names=dict(zip(map(int, experts), _strings(list(experts.values())), strict=True)),
        provenance=table.get("provenance", {}),
        architecture=str(table["architecture"]),
        config=table.get("config", {}),
        smallest=_sizes(table.get("smallest_objects", []), len(names)),
    )


def _sizes(values: Any, num_classes: int) -> tuple[int, ...]:
    """Sizes of smallest objects, one for each class, or none at all."""
    if not isinstance(values, list) or len(values) not in (0, num_classes):
        raise ValueError("not a size for each class")
    if not all(type(value) is int and -1 <= value <= MOST_PIXELS for value in values):
        raise ValueError("a size of objects is not a number of pixels")
    return tuple(values)


def _strings(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or len(values) > MAX_CLASSES:
        raise ValueError("not a list of names")
    if not all(isinstance(value, str) and len(value) <= 200 for value in values):
        raise ValueError("a name is not a text of at most 200 letters")
    return tuple(values)
