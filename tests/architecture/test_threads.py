"""Widgets live in the thread of the window: few places make another one, and none of them hears widgets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "latentseg_gui"
SOURCES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}

MAKERS = {"Thread", "QThread", "QThreadPool", "QRunnable", "ThreadPoolExecutor", "start_new_thread"}
ALLOWED = {
    "workers/supervisor.py": "owns a child process, posts events",
    "workers/child.py": "of the child process",
    "workers/thread.py": "a lane for functions, posts events",
    "io/images/time_limit.py": "a read that may never end; whoever waits takes the answer",
    "headless/prediction/overlap.py": "has no window",
}
WITHOUT_WIDGETS = ("QtWidgets", "latentseg_gui.panels", "latentseg_gui.canvas", "latentseg_gui.app")


def names_in(text: str) -> set[str]:
    """All names, attributes and imported names of a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                found.add(name)
    return found


def test_threads_are_made_in_few_places_that_know_no_widget() -> None:
    makers = {path for path, text in SOURCES.items() if names_in(text) & MAKERS}
    assert makers == set(ALLOWED)
    knowing = [path for path in makers if any(word in SOURCES[path] for word in WITHOUT_WIDGETS)]
    assert knowing == []


def signals_of_lanes() -> set[str]:
    """Names of the signals that lanes declare."""
    lanes = ast.parse(SOURCES["workers/lanes.py"])
    return {
        node.targets[0].id
        for node in ast.walk(lanes)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "id", "") == "Signal"
    }


def connections(text: str) -> Iterator[tuple[str, ast.expr]]:
    """(signal, what it is connected to) of every connection of a module."""
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "connect"
            and isinstance(node.func.value, ast.Attribute)
            and node.args
        ):
            yield node.func.value.attr, node.args[0]


def test_what_a_lane_says_goes_to_methods_which_qt_lets_go_with_their_object() -> None:
    """A lambda would still be called when what it speaks to has been taken apart."""
    lanes = signals_of_lanes()
    assert {"job_finished", "job_failed", "job_progress"} <= lanes
    heard = [(path, name, to) for path, text in SOURCES.items() for name, to in connections(text)]
    assert any(name in lanes for _, name, _ in heard)
    loose = [f"{path}: {name}" for path, name, to in heard if name in lanes and isinstance(to, ast.Lambda)]
    assert loose == []
