"""Masks out to the formats of other tools, and in again."""

from latentseg_gui.io.masks.reading import IMPORT_SUFFIXES, import_mask
from latentseg_gui.io.masks.registry import (
    FORMATS,
    ExportStep,
    MaskFormat,
    export_folder,
    export_mask,
    losses,
    planned_files,
)
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, MaskError, MaskItem

__all__ = [
    "FORMATS",
    "IMPORT_SUFFIXES",
    "ExportStep",
    "ImportContext",
    "ImportedMask",
    "MaskError",
    "MaskFormat",
    "MaskItem",
    "export_folder",
    "export_mask",
    "import_mask",
    "losses",
    "planned_files",
]
