"""Names and notes of experts inside a file of weights, changed without touching a tensor.

A safetensors file is the length of a header (8 bytes), the header (JSON), and the tensors; offsets in the
header count from its end, so that another header needs no other tensors.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, Final

from latentseg_gui.document.errors import LatentsegError

METADATA_KEY: Final = "latentseg"
NOTES_KEY: Final = "expert_notes"
_LENGTH: Final = 8
MAX_LETTERS: Final = 200


def with_expert_names(data: bytes, names: Mapping[int, str], notes: Mapping[int, str]) -> bytes:
    """The weights ``data`` with these names and notes in place of those it had.

    Raises:
        LatentsegError: the data is no file of weights that this program wrote.
    """
    header, tensors = _parts(data)
    table = _table(header)
    table["expert_names"] = {str(k): name[:MAX_LETTERS] for k, name in sorted(names.items()) if name}
    provenance = dict(table.get("provenance", {}))
    provenance.pop(NOTES_KEY, None)
    if kept := {str(k): note for k, note in sorted(notes.items()) if note}:
        provenance[NOTES_KEY] = kept
    table["provenance"] = provenance
    header["__metadata__"] = {**header["__metadata__"], METADATA_KEY: json.dumps(table)}
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % _LENGTH)
    return struct.pack("<Q", len(text)) + text + tensors


def _parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > len(data) - _LENGTH:
            raise ValueError("the header is longer than the file")
        header = json.loads(data[_LENGTH : _LENGTH + length])
    except (struct.error, ValueError) as error:
        raise _broken(str(error)) from error
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__"), dict):
        raise _broken("there is no description")
    return header, data[_LENGTH + length :]


def _table(header: dict[str, Any]) -> dict[str, Any]:
    try:
        table = json.loads(header["__metadata__"][METADATA_KEY])
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(f"the description is not ours: {error}") from error
    if not isinstance(table, dict) or not isinstance(table.get("provenance", {}), dict):
        raise _broken("the description is not a table")
    return table


def _broken(detail: str) -> LatentsegError:
    return LatentsegError(
        "The names of the experts could not be written into these weights.",
        action="Fine-tune again, or go to another version; nothing was overwritten.",
        detail=detail,
    )
