"""Jobs in a child process: answers, failures, cancellation, crashes, endings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from latentseg_gui.workers.lanes import ChildLane
from tests.leaks import is_alive, leak_check, no_leaks, wait_until

__all__ = ["leak_check"]
SERVICE = "tests.workers.services:echo"


class Ears:
    """Everything that a lane says, in order."""

    def __init__(self, lane):
        self.heard = []
        for name in ("started", "progress", "finished", "failed", "cancelled"):
            getattr(lane, f"job_{name}").connect(getattr(self, f"_on_{name}"))
        lane.lane_state_changed.connect(self._on_state)

    def _on_started(self, job):
        self.heard.append(("started", job))

    def _on_progress(self, job, value):
        self.heard.append(("progress", job, value))

    def _on_finished(self, job, value):
        self.heard.append(("finished", job, value))

    def _on_failed(self, job, failure):
        self.heard.append(("failed", job, failure))

    def _on_cancelled(self, job):
        self.heard.append(("cancelled", job))

    def _on_state(self, state):
        self.heard.append(("state", state))

    def endings(self, job):
        return [e for e in self.heard if e[1] == job and e[0] in {"finished", "failed", "cancelled"}]

    def answer(self, job):
        (ending,) = self.endings(job)
        assert ending[0] == "finished", ending
        return ending[2]

    def failure(self, job):
        (ending,) = self.endings(job)
        assert ending[0] == "failed", ending
        return ending[2]


@pytest.fixture
def lane(qapp, leak_check):
    lane = ChildLane(SERVICE, name="test")
    yield lane
    started = time.monotonic()
    assert lane.shutdown()
    assert time.monotonic() - started < 2


@pytest.fixture
def ears(lane):
    return Ears(lane)


def test_an_answer_arrives_in_the_gui_thread_and_the_lane_is_idle_again(lane, ears):
    assert lane.is_idle
    job = lane.submit(("echo", {"a": 1}))
    assert not lane.is_idle
    assert lane.wait_idle()
    assert ears.answer(job) == {"a": 1}
    assert [e[0] for e in ears.heard if e[1] == job] == ["started", "finished"]
    assert lane.state == "ready"


def test_the_child_is_nice_and_has_the_threads_it_was_given(qapp, leak_check):
    lane = ChildLane(SERVICE, name="test", niceness=7, threads=3)
    ears = Ears(lane)
    job = lane.submit(("environment",))
    assert lane.wait_idle()
    answer = ears.answer(job)
    assert answer["nice"] == os.nice(0) + 7
    assert answer["threads"] == "3"
    assert answer["pid"] == lane.child_pid != os.getpid()
    assert lane.shutdown()


@pytest.mark.parametrize("side", [10, 1000, 2500])
def test_arrays_cross_whole_in_both_directions_whatever_their_size(lane, ears, side):
    picture = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
    picture.setflags(write=False)
    there = lane.submit(("sum", picture), is_latest_only=False)
    back = lane.submit(("echo", picture), is_latest_only=False)
    assert lane.wait_idle()
    assert ears.answer(there) == int(picture.sum())
    answer = ears.answer(back)
    assert np.array_equal(answer, picture)
    assert not answer.flags.writeable


def test_only_the_latest_waiting_job_of_a_key_runs(lane, ears):
    running = lane.submit(("count", 20), key="predict")
    assert wait_for(lane, ears, ("started", running))
    waiting = [lane.submit(("echo", n), key="predict") for n in range(5)]
    other = lane.submit(("echo", "other"), key="attention")
    assert lane.wait_idle()
    assert ears.answer(running) == "done"
    assert [ears.endings(job)[0][0] for job in waiting] == ["cancelled"] * 4 + ["finished"]
    assert ears.answer(waiting[-1]) == 4
    assert ears.answer(other) == "other"


def test_a_job_of_higher_priority_goes_first(lane, ears):
    running = lane.submit(("count", 10))
    assert wait_for(lane, ears, ("started", running))
    low = lane.submit(("echo", "prefetch"))
    high = lane.submit(("echo", "click"), priority=1)
    assert lane.wait_idle()
    order = [e[1] for e in ears.heard if e[0] == "started"]
    assert order == [running, high, low]


def test_cancelling_a_running_job_is_felt_within_200_ms_and_its_child_lives_on(lane, ears):
    job = lane.submit(("count", 10_000))
    assert wait_for(lane, ears, ("progress", job, 3))
    pid, asked = lane.child_pid, time.monotonic()
    lane.cancel(job)
    assert lane.wait_idle()
    assert time.monotonic() - asked < 0.2
    later = lane.submit(("echo", 1))
    assert lane.wait_idle()
    assert ears.endings(job) == [("cancelled", job)]
    last = max(n for n, e in enumerate(ears.heard) if e[1] == job)
    assert ears.heard[last][0] == "cancelled"
    assert ears.answer(later) == 1
    assert lane.child_pid == pid


def test_a_child_that_does_not_listen_is_ended_and_started_again(lane, ears):
    job = lane.submit(("deaf", 60))
    assert wait_for(lane, ears, ("started", job))
    pid = lane.child_pid
    lane.cancel(job)
    later = lane.submit(("echo", 1))
    assert lane.wait_idle()
    assert ears.endings(job) == [("cancelled", job)]
    assert ears.answer(later) == 1
    assert lane.child_pid != pid
    assert ("state", "restarting") in ears.heard
    assert not is_alive(pid)


def test_a_waiting_job_can_be_cancelled_and_never_begins(lane, ears):
    running, waiting = lane.submit(("count", 20)), lane.submit(("echo", 1))
    lane.cancel(waiting)
    assert lane.wait_idle()
    assert ears.endings(waiting) == [("cancelled", waiting)]
    assert ("started", waiting) not in ears.heard
    assert ears.answer(running) == "done"


def test_who_recalls_a_job_lets_one_that_runs_go_on(lane, ears):
    running, waiting = lane.submit(("count", 20)), lane.submit(("echo", 1))
    assert wait_for(lane, ears, ("progress", running, 1))
    lane.recall(running)
    lane.recall(waiting)
    assert lane.wait_idle()
    assert ears.endings(waiting) == [("cancelled", waiting)]
    assert ears.answer(running) == "done"


def test_a_killed_child_is_reported_within_a_second_and_replaced(lane, ears):
    sticky = lane.submit(("remember", 42), key="weights", is_sticky=True)
    assert lane.wait_idle()
    victim, waiting = lane.submit(("count", 10_000)), lane.submit(("recall",))
    assert wait_for(lane, ears, ("progress", victim, 1))
    killed = time.monotonic()
    os.kill(lane.child_pid, signal.SIGKILL)
    assert wait_for(lane, ears, lambda: ears.endings(victim))
    assert time.monotonic() - killed < 1
    assert "stopped (signal 9)" in ears.failure(victim).what
    assert ears.failure(victim).action
    assert lane.wait_idle()
    assert ears.answer(waiting) == 42, "the new child must know what the old one was told"
    assert ears.answer(sticky) == 42


def test_a_child_that_always_dies_is_not_started_for_ever(lane, ears):
    jobs = [lane.submit(("die",)) for _ in range(3)]
    last = lane.submit(("echo", 1))
    assert lane.wait_idle(20_000)
    assert all("signal 9" in ears.failure(job).what for job in jobs)
    assert "stopped" in ears.failure(last).what
    assert lane.state == "broken"
    again = lane.submit(("echo", 2))
    assert lane.wait_idle()
    assert ears.answer(again) == 2


def test_crashes_far_apart_do_not_break_the_lane(lane, ears):
    for turn in range(4):
        victim = lane.submit(("die",))
        assert lane.wait_idle(20_000)
        assert ears.failure(victim).is_crash
        good = lane.submit(("echo", turn))
        assert lane.wait_idle()
        assert ears.answer(good) == turn
    assert ("state", "broken") not in ears.heard


def test_what_a_new_child_is_told_again_does_not_count_as_work(lane, ears):
    """Else a job that always kills its child would be started for ever, each child having been told first."""
    lane.submit(("remember", 42), key="weights", is_sticky=True)
    assert lane.wait_idle()
    jobs = [lane.submit(("die",)) for _ in range(5)]
    assert lane.wait_idle(20_000)
    assert lane.state == "broken"
    assert [ears.failure(job).is_crash for job in jobs] == [True, True, False, False, False]


@pytest.mark.parametrize("how", ["by hand", "by the next request"])
def test_a_broken_lane_can_be_started_again_and_knows_what_it_was_told(lane, ears, how):
    lane.submit(("remember", 42), key="weights", is_sticky=True)
    for _ in range(3):
        lane.submit(("die",))
    assert wait_for(lane, ears, lambda: lane.state == "broken", 20)
    if how == "by hand":
        lane.restart()
        assert wait_for(lane, ears, lambda: lane.state == "ready")
    recalled = lane.submit(("recall",))
    assert lane.wait_idle()
    assert ears.answer(recalled) == 42
    if how == "by hand":
        victim = lane.submit(("die",))
        assert lane.wait_idle()
        assert ears.failure(victim).is_crash, "its record is clean again"


def test_what_cannot_be_told_again_is_said(lane, ears, tmp_path):
    told = []
    lane.replay_failed.connect(told.append)
    path = tmp_path / "weights"
    path.write_text("42")
    lane.submit(("read", str(path)), key="weights", is_sticky=True)
    assert lane.wait_idle()
    path.unlink()
    os.kill(lane.child_pid, signal.SIGKILL)
    assert wait_for(lane, ears, lambda: told)
    assert "FileNotFoundError" in told[0].what


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
@pytest.mark.parametrize("nbytes", [10, 900_000])
def test_a_child_that_is_stopped_is_noticed_and_can_be_replaced(qapp, leak_check, nbytes):
    """With 900,000 bytes the write to it hangs, too."""
    lane = ChildLane(SERVICE, name="test", hangs_after_s=0.6)
    ears, told = Ears(lane), []
    lane.hanging.connect(told.append)
    lane.submit(("echo", 1))
    assert lane.wait_idle()
    os.kill(lane.child_pid, signal.SIGSTOP)
    job, waiting = lane.submit(("sum", np.ones(nbytes, np.uint8))), lane.submit(("echo", 2))
    assert wait_for(lane, ears, lambda: told == [True])
    assert lane.is_hanging
    lane.restart()
    assert lane.wait_idle()
    assert ears.failure(job).is_crash
    assert ears.answer(waiting) == 2
    assert wait_for(lane, ears, lambda: told == [True, False])
    assert lane.shutdown()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_a_child_that_goes_on_is_believed_again(qapp, leak_check):
    lane = ChildLane(SERVICE, name="test", hangs_after_s=0.6)
    ears, told = Ears(lane), []
    lane.hanging.connect(told.append)
    job = lane.submit(("count", 50))
    assert wait_for(lane, ears, ("progress", job, 3))
    os.kill(lane.child_pid, signal.SIGSTOP)
    assert wait_for(lane, ears, lambda: told == [True])
    os.kill(lane.child_pid, signal.SIGCONT)
    assert lane.wait_idle()
    assert ears.answer(job) == "done"
    assert wait_for(lane, ears, lambda: told == [True, False])
    assert lane.shutdown()


@pytest.mark.parametrize("work", [("compute", 2.5), ("count", 200)])
def test_a_child_that_computes_or_polls_for_long_is_left_alone(qapp, leak_check, work):
    lane = ChildLane(SERVICE, name="test", hangs_after_s=0.9)
    ears, told = Ears(lane), []
    lane.hanging.connect(told.append)
    job = lane.submit(work)
    assert lane.wait_idle(60_000)
    assert ears.answer(job) == "done"
    assert told == []
    assert lane.shutdown()


def test_arrays_that_cannot_be_taken_over_fail_their_job_alone(lane, ears):
    """Neither side may die, or keep silent, because it has no file or no memory left."""
    array = np.ones(3_000_000, np.uint8)
    assert lane.wait_idle()
    full = lane.submit(("without files", array))
    asked = lane.submit(("sum", array), is_latest_only=False)
    assert lane.wait_idle()
    assert ears.answer(full).sum() == 3_000_000, "what cannot be lent goes through the pipe"
    assert "open files" in ears.failure(asked).what
    assert ears.failure(asked).action
    back = lane.submit(("with files",))
    again = lane.submit(("sum", array))
    assert lane.wait_idle()
    assert ears.answer(back) == "done"
    assert ears.answer(again) == 3_000_000
    assert ("state", "restarting") not in ears.heard


def test_an_exit_of_the_child_says_its_code(lane, ears):
    job = lane.submit(("exit", 3))
    assert lane.wait_idle()
    assert "exit code 3" in ears.failure(job).what


def test_an_exception_is_a_failure_with_its_traceback_and_the_child_goes_on(lane, ears):
    surprise = lane.submit(("raise", "boo"))
    polite = lane.submit(("polite failure",))
    unsendable = lane.submit(("unpicklable",))
    unaskable = lane.submit(("echo", test_an_exit_of_the_child_says_its_code.__globals__))
    good = lane.submit(("echo", 1))
    assert lane.wait_idle()
    assert "ValueError: boo" in ears.failure(surprise).what
    assert "Traceback" in ears.failure(surprise).detail
    assert (ears.failure(polite).what, ears.failure(polite).action) == (
        "The file is empty.",
        "Choose another.",
    )
    assert ears.failure(polite).detail.startswith("0 bytes")
    assert "pickle" in ears.failure(unsendable).what
    assert "pickle" in ears.failure(unaskable).what
    assert ears.answer(good) == 1


def test_a_service_that_cannot_be_loaded_says_why(qapp, leak_check):
    lane = ChildLane("tests.workers.services:broken", name="engine")
    ears = Ears(lane)
    job = lane.submit(("echo", 1))
    assert lane.wait_idle()
    assert "no such weights" in ears.failure(job).what
    assert lane.state == "broken"
    assert lane.shutdown()


def test_a_running_job_can_be_told_things(lane, ears):
    job = lane.submit(("conversation",))
    assert wait_for(lane, ears, ("progress", job, "listening"))
    for word in ("pause", "resume", "enough"):
        lane.tell(job, word)
    assert lane.wait_idle()
    assert ears.answer(job) == ["pause", "resume", "enough"]


def test_shutdown_in_the_middle_of_a_deaf_job_takes_less_than_two_seconds(qapp):
    with no_leaks():
        lane = ChildLane(SERVICE, name="test")
        ears = Ears(lane)
        job = lane.submit(("deaf", 60))
        assert wait_for(lane, ears, ("started", job))
        pid, started = lane.child_pid, time.monotonic()
        assert lane.shutdown()
        assert time.monotonic() - started < 2
        assert not is_alive(pid)
        said = len(ears.heard)
        qapp.processEvents()
        assert len(ears.heard) == said, "no signal after the end"
        with pytest.raises(RuntimeError):
            lane.submit(("echo", 1))


def test_a_stopped_child_cannot_hold_up_the_shutdown(qapp):
    with no_leaks():
        lane = ChildLane(SERVICE, name="test")
        ears = Ears(lane)
        lane.submit(("echo", 1))
        assert lane.wait_idle()
        os.kill(lane.child_pid, signal.SIGSTOP)
        lane.submit(("sum", b"x" * 900_000))  # more than a pipe holds: the write hangs
        assert not wait_for(lane, ears, lambda: False, 0.1)
        started = time.monotonic()
        assert lane.shutdown()
        assert time.monotonic() - started < 2


PARENT = """
    import sys
    from PySide6.QtCore import QCoreApplication
    from latentseg_gui.workers.lanes import ChildLane

    application = QCoreApplication([])
    lane = ChildLane("tests.workers.services:echo", name="test")
    lane.job_started.connect(print)
    job = lane.submit(("deaf", 60))
    class Speaker:
        def say(self, *_):
            print("pid", lane.child_pid, flush=True)
    speaker = Speaker()
    lane.job_started.connect(speaker.say)
    application.exec()
"""


@pytest.mark.parametrize("how", ["-c", "script", "module"])
def test_a_killed_window_leaves_no_orphan(tmp_path, how):
    source = textwrap.dedent(PARENT)
    script = tmp_path / "application_under_test.py"
    script.write_text(
        source if how == "-c" else f"if __name__ == '__main__':\n{textwrap.indent(source, '    ')}"
    )
    command = {"-c": ["-c", source], "script": [str(script)], "module": ["-m", "application_under_test"]}[how]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.getcwd(), str(tmp_path)])}
    with subprocess.Popen(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        line = next(line for line in parent.stdout if line.startswith("pid"))
        child = int(line.split()[1])
        assert is_alive(child)
        parent.kill()
        assert wait_until(lambda: not is_alive(child), 1.0)


def wait_for(lane, ears, wanted, timeout_s=10.0):
    """Run events until ``wanted`` was heard, or, as a function, is true."""
    from PySide6.QtCore import QCoreApplication

    def is_there():
        QCoreApplication.processEvents()
        return bool(wanted()) if callable(wanted) else wanted in ears.heard

    return wait_until(is_there, timeout_s)
