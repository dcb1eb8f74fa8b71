"""Functions in one persistent thread."""

from __future__ import annotations

import threading
import time

import pytest

from latentseg_gui.workers.events import JobFailure
from latentseg_gui.workers.lanes import ThreadLane
from tests.leaks import leak_check, no_leaks

__all__ = ["leak_check"]


class Ears:
    def __init__(self, lane):
        self.endings = {}
        self.threads = set()
        lane.job_finished.connect(self._on_end)
        lane.job_failed.connect(self._on_end)
        lane.job_cancelled.connect(self._on_cancelled)

    def _on_end(self, job, value):
        assert job not in self.endings
        self.endings[job] = value
        self.threads.add(threading.current_thread())

    def _on_cancelled(self, job):
        self._on_end(job, "cancelled")


@pytest.fixture
def lane(qapp, leak_check):
    lane = ThreadLane(name="files")
    yield lane
    assert lane.shutdown()


def test_functions_run_in_one_thread_of_their_own_and_answer_in_the_gui_thread(lane):
    ears = Ears(lane)
    jobs = [lane.submit(threading.get_ident) for _ in range(5)]
    assert lane.wait_idle()
    idents = {ears.endings[job] for job in jobs}
    assert len(idents) == 1
    assert threading.get_ident() not in idents
    assert ears.threads == {threading.current_thread()}


def test_an_exception_is_a_failure_and_the_thread_goes_on(lane):
    ears = Ears(lane)
    bad, good = lane.submit(lambda: 1 / 0), lane.submit(lambda: "fine")
    assert lane.wait_idle()
    assert isinstance(ears.endings[bad], JobFailure)
    assert "ZeroDivisionError" in ears.endings[bad].what
    assert ears.endings[good] == "fine"


def test_a_later_job_of_a_key_takes_the_place_of_a_waiting_one_and_a_cancelled_one_is_dropped(lane):
    ears, gate = Ears(lane), threading.Event()
    running = lane.submit(lambda: gate.wait(5))
    first, second = (lane.submit(lambda n=n: n, key="thumbnail") for n in (1, 2))
    lane.cancel(running)
    gate.set()
    assert lane.wait_idle()
    assert ears.endings == {running: "cancelled", first: "cancelled", second: 2}


def test_who_recalls_a_job_lets_one_that_runs_go_on(lane):
    ears, begun, gate = Ears(lane), threading.Event(), threading.Event()
    running = lane.submit(lambda: (begun.set(), gate.wait(5))[1])
    waiting = lane.submit(lambda: 1)
    assert begun.wait(5)
    lane.recall(waiting)
    lane.recall(running)
    gate.set()
    assert lane.wait_idle()
    assert ears.endings == {running: True, waiting: "cancelled"}


def test_no_thread_is_made_per_job_and_shutdown_does_not_wait_for_the_queue(qapp):
    with no_leaks():
        lane = ThreadLane(name="files")
        gate = threading.Event()
        for _ in range(100):
            lane.submit(lambda: gate.wait(0.05))
        assert sum(thread.name == "lane-files" for thread in threading.enumerate()) == 1
        started = time.monotonic()
        assert lane.shutdown()
        assert time.monotonic() - started < 1


def test_an_event_that_is_late_for_a_deleted_lane_is_dropped(qapp):
    from PySide6.QtCore import QCoreApplication, QEvent

    lane = ThreadLane(name="files")
    ears, done = Ears(lane), threading.Event()
    lane.submit(done.set)
    assert done.wait(5)
    assert lane.shutdown()
    lane.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
    assert ears.endings == {}
