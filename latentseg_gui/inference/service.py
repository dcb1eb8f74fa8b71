"""What the child processes run, named by the window as "latentseg_gui.inference.service:...".

Each function makes the handler of one kind of child. Nothing heavy is imported before it is called.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from latentseg_gui.inference.request import JobContext

ENGINE: Final = "latentseg_gui.inference.service:engine_handler"
TRAINING: Final = "latentseg_gui.inference.service:training_handler"


Handler = Callable[[object, JobContext], object]


def engine_handler() -> Handler:
    """Answers prediction, clicks and attention (see `messages`)."""
    _use_given_threads()
    from latentseg_gui.inference.engine import Engine

    engine = Engine()

    def handle(request: object, context: JobContext) -> object:
        return engine.handle(request, context.report)

    return handle


def training_handler() -> Handler:
    """Answers `FineTune`, `LearnClicks` and `CompareNetworks`."""
    _use_given_threads()
    from latentseg_gui.inference.training.click_request import LearnClicks
    from latentseg_gui.inference.training.clicks import learn_clicks
    from latentseg_gui.inference.training.comparing import compare_networks
    from latentseg_gui.inference.training.messages import CompareNetworks
    from latentseg_gui.inference.training.training import Trainer
    from model.training.optimisers import warm_up

    warm_up()
    trainer = Trainer()

    def handle(request: object, context: JobContext) -> object:
        if isinstance(request, CompareNetworks):
            return compare_networks(request, context)
        if isinstance(request, LearnClicks):
            return learn_clicks(request, context)
        return trainer.handle(request, context)

    return handle


def _use_given_threads() -> None:
    """Let torch use as many threads as the lane has put into the environment."""
    import torch

    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and int(threads) > 0:
        torch.set_num_threads(int(threads))
