"""What several controllers are tested with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.workers.lanes import ThreadLane


@pytest.fixture
def lane(qtbot: QtBot) -> Iterator[ThreadLane]:
    """Works beside the window, and ends with the test."""
    lane = ThreadLane(name="beside")
    yield lane
    assert lane.shutdown()
