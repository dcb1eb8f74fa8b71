"""The questions before masks are written, or read in: which images, which formats, from or to where."""

from latentseg_gui.panels.output.dialog import OutputChoice, OutputDialog, OutputQuestion, Scope
from latentseg_gui.panels.output.import_dialog import (
    ImportChoice,
    ImportDialog,
    ImportQuestion,
    ImportRow,
)

__all__ = [
    "ImportChoice",
    "ImportDialog",
    "ImportQuestion",
    "ImportRow",
    "OutputChoice",
    "OutputDialog",
    "OutputQuestion",
    "Scope",
]
