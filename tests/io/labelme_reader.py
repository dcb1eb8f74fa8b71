"""labelme's own reader of files and shapes, without the rest of the program.

``import labelme`` would want PyQt5 (a second Qt in one process) and onnxruntime. The two modules that own the
format need neither: they are loaded by themselves, with empty stand-ins for what they import and do not use.
labelme is under the GPL: it is a tool of these tests, like a compiler, and no part of the product.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import logging
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_STAND_INS = ("PyQt5", "PyQt5.QtGui", "loguru")


@pytest.fixture
def labelme() -> Iterator[types.SimpleNamespace]:
    """``LabelFile``, ``shapes_to_label`` and ``img_arr_to_b64``, unchanged."""
    spec = importlib.util.find_spec("labelme")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("labelme is not installed: pip install --no-deps labelme (make test does)")
    with _alone(Path(spec.submodule_search_locations[0])):
        shape = importlib.import_module("labelme.utils.shape")
        image = importlib.import_module("labelme.utils.image")
        utils = sys.modules["labelme.utils"]
        for module in (shape, image):
            vars(utils).update({key: value for key, value in vars(module).items() if not key.startswith("_")})
        reader = importlib.import_module("labelme._label_file")
        yield types.SimpleNamespace(
            LabelFile=reader.LabelFile,
            shapes_to_label=shape.shapes_to_label,
            img_arr_to_b64=image.img_arr_to_b64,
        )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """The package as a mere folder of modules; everything is as it was afterwards."""
    before = {
        name: module for name, module in sys.modules.items() if name.split(".")[0] in ("labelme", *_STAND_INS)
    }
    package, utils = types.ModuleType("labelme"), types.ModuleType("labelme.utils")
    package.__path__, utils.__path__ = [str(root)], [str(root / "utils")]
    vars(package).update(__version__=importlib.metadata.version("labelme"), utils=utils)
    made = {
        "labelme": package,
        "labelme.utils": utils,
        **{name: types.ModuleType(name) for name in _STAND_INS},
    }
    vars(made["PyQt5"])["QtGui"] = made["PyQt5.QtGui"]
    vars(made["PyQt5.QtGui"])["QImage"] = object
    vars(made["loguru"])["logger"] = logging.getLogger("labelme")
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in [each for each in sys.modules if each.split(".")[0] in ("labelme", *_STAND_INS)]:
            del sys.modules[name]
        sys.modules.update(before)
