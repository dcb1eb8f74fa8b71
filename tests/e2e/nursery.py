"""Windows of tests share the imports of their workers: the model's processes are forked from one that has them.

Torch costs the engine 1.5 s of processor time and the training worker 3 s, in every window anew. What the workers
do, and how the window speaks with them, is as ever. `tests/workers`, `tests/inference` (but where a worker dies in
every phase) and `test_main_opens_the_window_and_returns_zero_when_it_is_closed` start them as the application does.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing.context import BaseContext
from types import SimpleNamespace

import pytest

from latentseg_gui.workers import process

METHOD = "forkserver"
PRELOADED = "tests.e2e.preloaded"


@cache
def _nursery() -> BaseContext | None:
    """What forks, once it has imported everything; None on systems that cannot."""
    if METHOD not in multiprocessing.get_all_start_methods():
        return None
    context = multiprocessing.get_context(METHOD)
    context.set_forkserver_preload([PRELOADED])
    first = context.Process(target=int)
    first.start()
    first.join()
    first.close()
    return context


@contextmanager
def workers_from_nursery() -> Iterator[None]:
    """Within the block workers are forked."""
    nursery = _nursery()
    if nursery is None:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "multiprocessing", SimpleNamespace(get_context=lambda _: nursery))
        yield
