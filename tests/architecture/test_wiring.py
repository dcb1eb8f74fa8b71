"""Nothing is said into the void: every action does something, every signal has a listener in the product."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import SIGNAL, QMetaMethod, QObject
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from latentseg_gui.app.actions import ACTIONS
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.session import Session

PACKAGE = Path(__file__).parents[2] / "latentseg_gui"
SPEAKERS = tuple(f"latentseg_gui.{name}." for name in ("panels", "canvas", "app", "workers"))
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}

HELD = {"peek"}
"""Actions that last while their key is down: `compose.PeekKey` watches for it."""

ONLY_TOLD = {
    "Lane.became_idle": "`Lane.wait_idle` listens for as long as it waits",
    "Lane.job_started": "tests hold a job back by it; the status bar shows a job from when it is asked for",
}


def listeners(action: QAction) -> int:
    return sum(action.receivers(SIGNAL(each)) for each in ("triggered(bool)", "toggled(bool)"))


def test_what_loses_its_parent_is_hidden_first() -> None:
    """A visible widget without a parent is a window of its own: `widgets.discard` hides it before."""
    careless = [
        path.relative_to(PACKAGE).as_posix()
        for path, text in SOURCES.items()
        for before, line in pairwise(text.splitlines())
        if ".setParent(None)" in line and ".hide()" not in before
    ]
    assert careless == []


def test_every_action_has_a_handler(composed: Session, qtbot: QtBot) -> None:
    bare = MainWindow()
    qtbot.addWidget(bare)
    idle = [
        spec.name
        for spec in ACTIONS
        if spec.name not in HELD
        and listeners(composed.window.action[spec.name]) <= listeners(bare.action[spec.name])
    ]
    assert idle == []


def declared() -> Iterator[tuple[str, str]]:
    """(class, signal) of every signal that the product declares."""
    for text in SOURCES.values():
        for owner in ast.walk(ast.parse(text)):
            if not isinstance(owner, ast.ClassDef):
                continue
            for node in owner.body:
                is_signal = isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
                if is_signal and getattr(node.value.func, "id", "") == "Signal":
                    yield owner.name, node.targets[0].id


def test_every_signal_is_listened_to_somewhere() -> None:
    everything = "\n".join(SOURCES.values())
    heard = set(re.findall(r"\.(\w+)\.connect\(", everything))
    heard |= set(re.findall(r"^\s*(\w+)\.connect\(", everything, re.MULTILINE))
    signals = set(declared())
    assert len(signals) > 150
    deaf = {f"{owner}.{name}" for owner, name in signals if name not in heard}
    assert deaf <= set(ONLY_TOLD)


def own_signals(each: QObject) -> dict[str, str]:
    """By name, "Class.name" of the signals that classes of the product declare."""
    return {
        name: f"{kind.__name__}.{name}"
        for kind in type(each).__mro__
        if kind.__module__.startswith(SPEAKERS)
        for name, value in vars(kind).items()
        if type(value).__name__ == "Signal"
    }


def test_every_signal_of_what_the_window_is_made_of_has_a_listener(composed: Session) -> None:
    """What is handed on from signal to signal must arrive; of a kind of parts, one that is heard is enough."""
    owners = (composed.window, composed)
    heard: dict[str, bool] = {}
    for each in (*owners, *(part for owner in owners for part in owner.findChildren(QObject))):
        own, meta = own_signals(each), each.metaObject()
        for method in (meta.method(index) for index in range(meta.methodCount() if own else 0)):
            name = own.get(method.name().data().decode())
            if name is not None and method.methodType() == QMetaMethod.MethodType.Signal:
                heard[name] = heard.get(name, False) or each.isSignalConnected(method)
    assert len(heard) > 90
    deaf = {name for name, is_heard in heard.items() if not is_heard} - set(ONLY_TOLD)
    assert not deaf, ", ".join(sorted(deaf))
