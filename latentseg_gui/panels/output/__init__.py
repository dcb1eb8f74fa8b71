"""The question before masks are written: of what, in which formats, to where."""

from latentseg_gui.panels.output.dialog import OutputChoice, OutputDialog, OutputQuestion, Scope

__all__ = ["OutputChoice", "OutputDialog", "OutputQuestion", "Scope"]
