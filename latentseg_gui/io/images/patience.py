"""Reading an image within its time, under the names that callers know it by."""

from __future__ import annotations

from latentseg_gui.io.images.reading import read_image as read_in_time
from latentseg_gui.io.images.time_limit import in_time

__all__ = ["in_time", "read_in_time"]
