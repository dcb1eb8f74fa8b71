"""Garbage that holds widgets is taken apart in the window's thread, never in that of a lane."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.app.bindings import GuiThreadCollector


@pytest.fixture
def collector(qapp: object) -> Iterator[GuiThreadCollector]:
    collector = GuiThreadCollector()
    yield collector
    collector.stop()
    assert gc.isenabled()


class Cycle:
    """Holds itself, and says in which thread it goes."""

    def __init__(self, gone: list[threading.Thread]) -> None:
        self.itself, self.gone = self, gone

    def __del__(self) -> None:
        self.gone.append(threading.current_thread())


def test_cycles_go_in_the_windows_thread_however_busy_a_lane_is(
    qtbot: QtBot, collector: GuiThreadCollector
) -> None:
    gone: list[threading.Thread] = []

    def litter() -> None:
        for _ in range(5_000):
            Cycle(gone)

    lane = threading.Thread(target=litter)
    lane.start()
    lane.join()
    assert not gone
    qtbot.waitUntil(lambda: len(gone) == 5_000)
    assert set(gone) == {threading.current_thread()}


def test_what_the_window_is_made_of_is_not_looked_through_again(qtbot: QtBot) -> None:
    collector = GuiThreadCollector()
    gone: list[threading.Thread] = []
    collector.freeze()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 10_000
    for _ in range(5_000):
        Cycle(gone)
    qtbot.waitUntil(lambda: len(gone) == 5_000)
    collector.stop()
    assert gc.get_freeze_count() == 0


def test_of_the_generations_that_are_due_the_oldest_is_collected(
    collector: GuiThreadCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[int] = []
    monkeypatch.setattr(gc, "get_threshold", lambda: (700, 10, 10))
    monkeypatch.setattr(gc, "collect", collected.append)
    for counts in ((100, 3, 3), (701, 3, 3), (701, 11, 3), (701, 11, 11), (3, 3, 11)):
        monkeypatch.setattr(gc, "get_count", lambda counts=counts: counts)
        collector.collect()
    assert collected == [0, 1, 2, 2]
