"""What excites experts, as files: a sheet of pictures, and a table of where they are from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from latentseg_gui.document.experts.experts import DOZEN, ExpertPatch
from latentseg_gui.io.experts.expert_files import csv_bytes
from latentseg_gui.io.experts.figures import GAP, LINE, sheet_with
from latentseg_gui.io.experts.sheet import Sheet
from latentseg_gui.io.ledger import Ledger

FILE_NAMES: Final = ("patches.png", "patches.svg", "patches.csv")

SIDE: Final = 64
_NAMES: Final = 120


def write_patches(
    folder: Path, patches: Sequence[Sequence[ExpertPatch]], names: Sequence[str], ledger: Ledger
) -> None:
    """Writes the squares that each expert has most to do with.

    Args:
        folder: where to.
        patches: by expert, the strongest first; images by the names that are written.
        names: of the experts.
        ledger: knows what is ours to replace.

    Raises:
        ForeignFileError: if a file of others is in the way; nothing is written.
        StorageError: if one cannot be written.
    """
    ledger.check(folder / name for name in FILE_NAMES)
    sheet = patch_sheet(patches, names)
    ledger.write(folder / "patches.png", sheet.png())
    ledger.write(folder / "patches.svg", sheet.svg())
    header = ("expert", "name", "rank", "image", "row0", "col0", "row1", "col1", "share")
    ledger.write(folder / "patches.csv", csv_bytes(header, _rows(patches, names)))


def patch_sheet(patches: Sequence[Sequence[ExpertPatch]], names: Sequence[str]) -> Sheet:
    """A row of pictures for each expert."""
    caption = (
        "What excites each expert: the places of the images that it explains most, the strongest on the left. "
        "Attention is not an explanation: they show where the expert answers, not what it says."
    )
    width = 2 * GAP + _NAMES + DOZEN * (SIDE + 4)
    sheet = sheet_with(width, GAP + len(patches) * (SIDE + 4), caption)
    for expert, (row, name) in enumerate(zip(patches, names, strict=True)):
        y = GAP + expert * (SIDE + 4)
        sheet.text(GAP, y + (SIDE - LINE) // 2, name[:16])
        for rank, patch in enumerate(row):
            sheet.picture(patch.picture, (GAP + _NAMES + rank * (SIDE + 4), y), (SIDE, SIDE))
    return sheet


def _rows(patches: Sequence[Sequence[ExpertPatch]], names: Sequence[str]) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for expert, row in enumerate(patches):
        for rank, patch in enumerate(row, 1):
            rect = patch.rect
            edges = rect.row0, rect.col0, rect.row1, rect.col1
            rows.append((expert, names[expert], rank, patch.image_id, *edges, f"{patch.share:.4f}"))
    return rows
