"""Running a graph by onnxruntime, with a limit to the time that it may take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Timer
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.click_models.graphs import NEEDED, Graph, refuse
from model.errors import ModelError, WeightsError

MOST_SECONDS: Final = 180.0
"""An image through the largest of these encoders takes half a minute on two cores."""

_QUIET: Final = 4
"""Only what ends the process is written to stderr; errors come as exceptions."""


class GraphSession:
    """A graph ready to run.

    Args:
        graph: of a file that was checked.
        seconds: the longest time that a run may take.

    Raises:
        WeightsError: onnxruntime is not installed, or refuses the file.
    """

    def __init__(self, graph: Graph, seconds: float = MOST_SECONDS) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise WeightsError(NEEDED, detail=str(error)) from error
        self._graph = graph
        self._seconds = seconds
        self._make_options = onnxruntime.RunOptions
        self._session = _opened(onnxruntime, graph.path)

    @property
    def device(self) -> str:
        """Where it runs, as onnxruntime calls it without its suffix: "CPU", "CUDA"."""
        return str(self._session.get_providers()[0]).removesuffix("ExecutionProvider")

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The outputs by name.

        Args:
            feeds: the inputs by name, in any number format.

        Raises:
            ModelError: it took too long, ran out of memory, or cannot work with what it was given.
        """
        cast = {name: np.ascontiguousarray(v, self._graph.inputs[name].dtype) for name, v in feeds.items()}
        options = self._make_options()
        options.log_severity_level = _QUIET
        has_ended: list[bool] = []

        def end() -> None:
            has_ended.append(True)
            options.terminate = True

        timer = Timer(self._seconds, end)
        timer.daemon = True
        timer.start()
        try:
            answers = self._session.run(list(self._graph.outputs), cast, options)
        except Exception as error:  # onnxruntime has a dozen kinds, with no family but this
            raise self._failure(error, is_late=bool(has_ended)) from error
        finally:
            timer.cancel()
        return dict(zip(self._graph.outputs, answers, strict=True))

    def _failure(self, error: Exception, *, is_late: bool) -> ModelError:
        name = self._graph.path.name
        if is_late:
            return ModelError(
                f"“{name}” was stopped: it did not answer within {self._seconds:g} s.",
                action="Use a smaller click model.",
            )
        first = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        return ModelError(
            f"“{name}” could not be run: {first}",
            action="Check that encoder and decoder are of the same model; model/CLICK_MODELS.md says how to export.",
            detail=str(error),
        )


def _opened(onnxruntime: Any, path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and int(threads) > 0:
        options.intra_op_num_threads = int(threads)
    # Threads that wait shall sleep: the window wants the cores, too.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    usable = set(onnxruntime.get_available_providers())
    providers = [each for each in ("CUDAExecutionProvider", "CPUExecutionProvider") if each in usable]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime has a dozen kinds, with no family but this
        first = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        refuse(path, f"onnxruntime refuses it ({first})")
