"""latentseg: a desktop tool for point-and-click segmentation with a latent-expert model."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

__version__ = "0.1.0"

_ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def _claim(name: str) -> None:
    """Import the package ``name`` from beside this one, not from wherever a file of this name is found first.

    `python -m` looks into the present folder first, torchrun too, and "model.py" is what many files are called.
    Child processes import this package before anything else of it, so they are safe, too.
    """
    loaded = sys.modules.get(name)
    if loaded is not None:
        file = os.path.realpath(loaded.__file__ or "")
        if os.path.dirname(os.path.dirname(file)) != _ROOT:
            raise ImportError(
                f'latentseg has a package "{name}" of its own, but {file} was imported under this name before. '
                "Import latentseg_gui first, or give that file another name."
            )
        return
    spec = PathFinder.find_spec(name, [_ROOT])
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


if not getattr(sys, "frozen", False):  # a bundle looks into itself only
    for _name in ("model", "assets"):
        _claim(_name)
