"""The face of the library: eighteen names, and nothing is imported for those that are not asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import model


def run(program: str) -> str:
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.strip()


def test_every_public_name_is_there() -> None:
    assert len(model.__all__) == 18
    for name in model.__all__:
        assert getattr(model, name) is not None
    assert set(model.__all__) <= set(dir(model))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = model.no_such_name


def test_the_package_alone_imports_no_torch() -> None:
    assert run("import sys, model; print('torch' in sys.modules)") == "False"
    assert run("import sys; from model import ModelError; print('torch' in sys.modules)") == "False"


@pytest.mark.parametrize(
    "program",
    [
        "from model import finetune; import model.training.finetune as m",
        "import model.training.finetune as m; from model import finetune",
        "from model import *; import model.training.finetune as m",
    ],
)
def test_the_name_finetune_is_the_function_whatever_was_imported_first(program: str) -> None:
    said = run(f"{program}\nprint(callable(finetune), m.FineTuneConfig.__name__, m.finetune is finetune)")
    assert said == "True FineTuneConfig True"
