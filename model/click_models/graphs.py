"""What an ONNX file says it takes and gives, read and checked before anything of it runs.

An ONNX file holds no code, but it may name operators of libraries that would have to be loaded, and files beside
it that hold its numbers. The first are refused; the second must lie in its own folder.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from model.errors import WeightsError

if TYPE_CHECKING:
    from onnx import ModelProto

MAX_FILE_BYTES: Final = (1 << 31) - 1
"""Of one file; more does not fit the format."""
MAX_DATA_BYTES: Final = 6 << 30
"""Of all files with the numbers of one graph."""
NEEDED: Final = 'Click models need onnx and onnxruntime: pip install "latentseg[onnx]" adds them.'

_KNOWN_DOMAINS: Final = frozenset(("", "ai.onnx", "ai.onnx.ml", "com.microsoft"))
"""Whose operators every onnxruntime has."""
_PAGE: Final = "model/CLICK_MODELS.md says how to export one."


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output.

    Attributes:
        name: of it.
        dtype: of its numbers.
        shape: its sides; None where any will do.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sides = ", ".join("?" if side is None else str(side) for side in self.shape)
        return f"{self.name} [{sides}]"


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked file: what it takes and what it gives, by name and in the order of the file.

    Attributes:
        path: where it is.
        data: files beside it that hold its numbers.
    """

    path: Path
    inputs: dict[str, Port]
    outputs: dict[str, Port]
    data: tuple[Path, ...] = ()

    def digest(self) -> bytes:
        """Of all that its files hold.

        Raises:
            WeightsError: one cannot be read any more.
        """
        whole = blake2b(digest_size=16)
        for path in (self.path, *self.data):
            try:
                with path.open("rb") as file:
                    whole.update(file_digest(file, "blake2b").digest())
            except OSError as error:
                refuse(path, f"it cannot be read ({error.strerror or error})", "Check that you may read it.")
        return whole.digest()


def read_graph(path: Path) -> Graph:
    """What ``path`` takes and gives.

    Raises:
        WeightsError: it is no ONNX file, or one that is not run; the reason is said.
    """
    _check_size(path, MAX_FILE_BYTES)
    model = _parsed(path)
    _check_operators(model, path)
    data = _check_data(model, path)
    numbers = {each.name for each in model.graph.initializer}
    inputs = [_port(each, path) for each in model.graph.input if each.name not in numbers]
    outputs = [_port(each, path) for each in model.graph.output]
    takes, gives = {each.name: each for each in inputs}, {each.name: each for each in outputs}
    return Graph(path, takes, gives, data)


def refuse(path: Path, why: str, action: str = _PAGE) -> NoReturn:
    """Raise the one kind of error of this package about a file."""
    raise WeightsError(f"The file “{path.name}” cannot be used as a click model: {why}.", action=action)


def _parsed(path: Path) -> ModelProto:
    try:
        import onnx
    except ImportError as error:
        raise WeightsError(NEEDED, detail=str(error)) from error
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except OSError as error:
        why = f"it cannot be read ({error.strerror or error})"
        refuse(path, why, "Check the path and that you may read it.")
    except Exception:  # of protobuf, which onnx does not make its own
        refuse(path, "it is not an ONNX file, or it is damaged", "Export or copy it again.")
    if not model.graph.node or not model.graph.output:
        refuse(path, "it is not an ONNX file, or an empty one", "Export or copy it again.")
    return model


def _check_size(path: Path, most: int) -> int:
    """The bytes of a regular file of at most ``most``."""
    try:
        facts = path.stat()
    except OSError as error:
        refuse(
            path, f"it cannot be read ({error.strerror or error})", "Check the path and that you may read it."
        )
    if not stat.S_ISREG(facts.st_mode):
        refuse(path, "it is not a file", "Choose the file itself.")
    if facts.st_size > most:
        refuse(path, f"it has {facts.st_size:,} bytes; at most {most:,} are taken", "Use a smaller model.")
    return facts.st_size


def _check_operators(model: ModelProto, path: Path) -> None:
    own = {(each.domain, each.name) for each in model.functions}
    for node in _nodes(model):
        if node.domain not in _KNOWN_DOMAINS and (node.domain, node.op_type) not in own:
            why = f"it needs the operator “{node.op_type}” of “{node.domain}”, which is not part of ONNX"
            refuse(path, why, "Export it without custom operators.")


def _nodes(model: ModelProto) -> Iterator[Any]:
    """Every node: of the graph, of the graphs inside nodes, of the functions."""
    rest = [*model.graph.node, *(node for each in model.functions for node in each.node)]
    while rest:
        node = rest.pop()
        yield node
        for attribute in node.attribute:
            rest += [inner for graph in (attribute.g, *attribute.graphs) for inner in graph.node]


def _check_data(model: ModelProto, path: Path) -> tuple[Path, ...]:
    """The files with numbers: they lie in the folder of the graph, and are as large as it says."""
    from onnx import TensorProto

    sizes: dict[str, int] = {}
    for tensor in _tensors(model):
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        facts = {entry.key: entry.value for entry in tensor.external_data}
        location = facts.get("location", "")
        if location not in sizes:
            sizes[location] = _check_size(_beside(path, location), MAX_DATA_BYTES)
        end = _whole(facts.get("offset"), path) + _whole(facts.get("length"), path)
        if end > sizes[location]:
            refuse(path, f"its data file “{location}” is too short", "Copy both files again.")
    if sum(sizes.values()) > MAX_DATA_BYTES:
        refuse(path, f"its data files have more than {MAX_DATA_BYTES:,} bytes", "Use a smaller model.")
    return tuple(_beside(path, location) for location in sorted(sizes))


def _tensors(model: ModelProto) -> Iterator[Any]:
    """Every tensor with numbers: of the graph, of those inside nodes, and of attributes."""
    yield from model.graph.initializer
    for node in _nodes(model):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            yield from (each for graph in (attribute.g, *attribute.graphs) for each in graph.initializer)


def _beside(path: Path, location: str) -> Path:
    """The data file ``location`` of a graph, which must lie where the graph lies, links followed."""
    folder = Path(os.path.realpath(path)).parent
    place = Path(os.path.realpath(folder / location))
    if not location or Path(location).is_absolute() or not place.is_relative_to(folder) or "\\" in location:
        refuse(path, f"its data are said to be in “{location}”, outside of its folder", "Export it again.")
    if not place.exists():
        refuse(path, f"its data file “{location}” is missing", "Put both files into one folder.")
    return place


def _whole(text: str | None, path: Path) -> int:
    if not text:
        return 0
    if not text.isdecimal():
        refuse(path, "what it says about its data file makes no sense", "Export it again.")
    return int(text)


def _port(value: Any, path: Path) -> Port:
    from onnx import helper

    kind = value.type.tensor_type
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
    except (KeyError, TypeError):
        refuse(path, f"“{value.name}” is not a tensor of numbers")
    sides = (side.dim_value if side.HasField("dim_value") else None for side in kind.shape.dim)
    return Port(value.name, dtype, tuple(side if side else None for side in sides))
