"""Masks out to the formats of other tools, and in again."""

from latentseg_gui.io.masks.reading import IMPORT_SUFFIXES, import_mask
from latentseg_gui.io.masks.registry import FORMATS, MaskFormat, losses
from latentseg_gui.io.masks.values import (
    ImportContext,
    ImportedMask,
    MaskError,
    MaskItem,
    PairedImage,
    StoredValues,
)
from latentseg_gui.io.masks.writing import ExportStep, export_folder, export_mask, planned_files

__all__ = [
    "FORMATS",
    "IMPORT_SUFFIXES",
    "ExportStep",
    "ImportContext",
    "ImportedMask",
    "MaskError",
    "MaskFormat",
    "MaskItem",
    "PairedImage",
    "StoredValues",
    "export_folder",
    "export_mask",
    "import_mask",
    "losses",
    "planned_files",
]
