"""What the workers of a window import; imported once, by the process that they are forked from."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as every worker does before it loads torch

from latentseg_gui.inference import engine
from latentseg_gui.inference.training import training
from model.training.optimisers import warm_up

__all__ = ["engine", "training"]

warm_up()
