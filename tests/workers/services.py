"""Services that the lane tests run in a child process."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from pathlib import Path

_state = {"value": 0}


def echo():
    """A service that does what the first word of the request says."""
    verbs = {
        "echo": lambda context, value: value,
        "die": lambda context: os.kill(os.getpid(), signal.SIGKILL),
        "exit": lambda context, code: os._exit(code),
        "raise": _raise,
        "polite failure": _fail_politely,
        "count": _count,
        "deaf": lambda context, seconds: threading.Event().wait(seconds),
        "remember": _remember,
        "recall": lambda context: _state["value"],
        "unpicklable": lambda context: threading.Lock(),
        "sum": lambda context, array: int(array.sum()),
        "environment": _environment,
        "read": lambda context, path: Path(path).read_text(),
        "compute": _compute,
        "without files": _limit_files,
        "with files": lambda context: _open_files(),
        "conversation": _converse,
    }
    return lambda request, context: verbs[request[0]](context, *request[1:])


def broken():
    raise RuntimeError("no such weights")


class _PoliteError(Exception):
    what = "The file is empty."
    action = "Choose another."
    detail = "0 bytes"


def _raise(context, message):
    raise ValueError(message)


def _fail_politely(context):
    raise _PoliteError


def _count(context, steps):
    pause = threading.Event()
    for step in range(steps):
        if context.is_cancelled():
            return "stopped"
        context.report(step)
        pause.wait(0.01)
    return "done"


def _compute(context, seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return "done"


def _limit_files(context, array):
    """No further file can be opened in this process from now on."""
    _state["limits"] = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, _state["limits"][1]))
    return array


def _open_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, _state["limits"])
    return "done"


def _remember(context, value):
    _state["value"] = value
    return value


def _environment(context):
    return {"nice": os.nice(0), "threads": os.environ["OMP_NUM_THREADS"], "pid": os.getpid()}


def _converse(context):
    context.report("listening")
    heard = []
    pause = threading.Event()
    while "enough" not in heard:
        heard += context.told()
        pause.wait(0.005)
    return heard
