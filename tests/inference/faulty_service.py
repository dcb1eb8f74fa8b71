"""The training service with a fault that the version's name asks for: "raise in step", "kill in save"."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from unittest.mock import patch

from latentseg_gui.inference.service import training_handler
from latentseg_gui.inference.training import training
from model.training import prepare, session
from model.weights import atomic, catalogue

TARGET = "tests.inference.faulty_service:faulty_handler"
PHASES = ("load", "encode", "step", "report", "save")


def faulty_handler() -> Callable[[object, object], object]:
    handle = training_handler()

    def faulty(request, context):
        how, _, phase = request.version.partition(" in ")
        places = {
            "load": (catalogue, "load"),
            "encode": (prepare, "features_of"),
            "step": (session.Optimiser, "step"),
            "report": (training, "_report"),
            "save": (atomic.os, "replace"),
        }
        if phase not in places:
            return handle(request, context)
        with patch.object(*places[phase], _kill if how == "kill" else _fail):
            return handle(request, context)

    return faulty


def _fail(*arguments: object) -> None:
    raise RuntimeError("broken on purpose")


def _kill(*arguments: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
