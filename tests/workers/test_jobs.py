"""The order of waiting jobs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from latentseg_gui.workers.jobs import Job, JobQueue

JOBS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 2)), max_size=20).map(
    lambda rows: [Job(n, None, key, latest, priority) for n, (key, latest, priority) in enumerate(rows)]
)


@given(JOBS)
def test_every_job_comes_out_once_either_replaced_or_in_its_turn(jobs):
    queue, replaced = JobQueue(), []
    for job in jobs:
        replaced += queue.put(job)
    popped = []
    while (job := queue.pop()) is not None:
        popped.append(job)
    assert sorted(j.job_id for j in replaced + popped) == [j.job_id for j in jobs]
    assert popped == sorted(popped, key=lambda job: (-job.priority, job.job_id))
    waiting_latest = [job.key for job in popped if job.is_latest_only]
    assert len(waiting_latest) == len(set(waiting_latest))
    newest = {job.key: job for job in jobs if job.is_latest_only}
    assert set(newest.values()) <= set(popped)


@given(JOBS, st.integers(0, 20))
def test_a_removed_job_is_gone_and_only_that_one(jobs, job_id):
    queue = JobQueue()
    waiting = {job.job_id: job for job in jobs}
    for job in jobs:
        for gone in queue.put(job):
            del waiting[gone.job_id]
    assert queue.remove(job_id) == (job_id in waiting)
    waiting.pop(job_id, None)
    assert {job.job_id for job in queue.clear()} == set(waiting)
    assert len(queue) == 0
