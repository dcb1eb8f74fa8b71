"""The list of images and the empty state."""

from latentseg_gui.panels.files.empty_state import EmptyStateWidget, SampleImage
from latentseg_gui.panels.files.model import FileEntry
from latentseg_gui.panels.files.pages import PageBar
from latentseg_gui.panels.files.panel import FilesPanel

__all__ = ["EmptyStateWidget", "FileEntry", "FilesPanel", "PageBar", "SampleImage"]
