"""Which two files belong together: a folder, or one of the files, is enough."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from model.click_models.graphs import Graph, read_graph, refuse
from model.click_models.signature import Signature, is_decoder, is_encoder, is_whole, signature_of
from model.errors import WeightsError

MAX_FILES: Final = 64
"""Of a folder; a folder of click models has two, or a few."""

_PART_WORDS: Final = frozenset(("decoder", "encoder", "prompt", "mask", "model", "vision", "image", "onnx"))


def own_name(path: Path) -> str:
    """The name of a file without the words that only say which part of a model it is; "" where nothing is left."""
    words = re.split(r"[._\- ]+", path.stem)
    return "_".join(word for word in words if word and word.lower() not in _PART_WORDS)


def open_pair(path: Path, partner: Path | None = None) -> Signature:
    """The click model of a folder, of one of its files, or of two files.

    Args:
        path: a folder with one encoder and one decoder, or either of them; the other is looked for beside it.
        partner: the other file, where it lies or is called differently.

    Raises:
        WeightsError: there is none, there are several, or they are refused; the message says which and why.
    """
    if partner is not None:
        return _of_two(read_graph(path), read_graph(partner))
    if path.is_dir():
        return _of_folder(path)
    graph = read_graph(path)
    if is_whole(graph):
        return signature_of(None, graph)
    return _of_two(graph, read_graph(_beside(graph)))


def _of_two(one: Graph, other: Graph) -> Signature:
    for encoder, decoder in ((one, other), (other, one)):
        if is_decoder(decoder) and not is_decoder(encoder):
            return signature_of(encoder, decoder)
    what = "both take clicks" if is_decoder(one) else "neither takes clicks"
    refuse(one.path, f"together with “{other.path.name}”, {what}", "Open one encoder and one decoder.")


def _of_folder(folder: Path) -> Signature:
    graphs = [read_graph(path) for path in _onnx_files(folder)]
    wholes = [each for each in graphs if is_whole(each)]
    encoders = [each for each in graphs if is_encoder(each)]
    decoders = [each for each in graphs if is_decoder(each) and not is_whole(each)]
    if len(encoders) == len(decoders) == 1:
        return signature_of(encoders[0], decoders[0])
    if len(wholes) == 1 and not decoders:
        return signature_of(None, wholes[0])
    raise WeightsError(
        f"The folder “{folder.name}” has {len(encoders)} encoders and {len(decoders)} decoders among "
        f"{len(graphs)} ONNX files; one of each makes a click model.",
        action="Open one of the files, or put the two that belong together into a folder of their own.",
    )


def _onnx_files(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".onnx")
    except OSError as error:
        raise WeightsError(
            f"The folder “{folder.name}” cannot be read: {error.strerror or error}.",
            action="Check the path and that you may read it.",
        ) from error
    if not found or len(found) > MAX_FILES:
        raise WeightsError(
            f"The folder “{folder.name}” has {len(found) or 'no'} ONNX files (*.onnx).",
            action="Choose a folder with the encoder and the decoder of one click model.",
        )
    return found


def _beside(graph: Graph) -> Path:
    """The other file of a pair: named alike, or the only one of its kind in the folder."""
    words = ("decoder", "encoder") if is_decoder(graph) else ("encoder", "decoder")
    name = graph.path.name
    alike = graph.path.with_name(name.replace(words[0], words[1]))
    if alike != graph.path and alike.is_file():
        return alike
    others = [path for path in _onnx_files(graph.path.parent) if path.name != name]
    wanted = [path for path in others if is_decoder(read_graph(path)) != is_decoder(graph)]
    if len(wanted) > 1:  # the same model in several number formats: "vision_encoder_fp16" and its like
        wanted = [path for path in wanted if own_name(path) == own_name(graph.path)] or wanted
    if len(wanted) == 1:
        return wanted[0]
    why = f"its {words[1]} is not beside it" if not wanted else f"{len(wanted)} files could be its {words[1]}"
    like = "" if alike == graph.path else f", named alike: “{alike.name}”"
    refuse(graph.path, why, f"Put encoder and decoder into one folder{like}.")
