"""How fast the inside can be looked at: ``python -m tests.benchmarks.inspection``.

Prints, for a picture of 1024 x 1024 with the shipped weights and two threads: a knock-out up to the prediction
(head only), of an expert and of one attention head, the same with what the window does until the overlay is
repainted, and another view of the gallery. The bars are 100 ms for knock-out to repainted overlay and 50 ms for
the gallery. Then, for one of 24 megapixels, what maps of the whole and of a part take in memory and time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import skimage.data
import torch
from PySide6.QtWidgets import QApplication, QToolButton

from latentseg_gui.canvas import CanvasView
from latentseg_gui.document.experts.experts import AlteredPrediction, RegionAttention
from latentseg_gui.document.experts.maps import ExpertMaps
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import (
    AlterExperts,
    ComputeAttention,
    ComputeRegionAttention,
    EncodeImage,
    LoadWeights,
    PredictClasses,
)
from latentseg_gui.panels.experts import ExpertsPanel, InterventionResult

SIDE, ROUNDS = 1024, 9


def milliseconds(action: Callable[[], object]) -> tuple[float, float]:
    """Median and best of several rounds."""
    times = []
    for _ in range(ROUNDS):
        started = perf_counter()
        action()
        times.append((perf_counter() - started) * 1000)
    return median(times), min(times)


def main() -> None:
    """Measures and prints."""
    torch.set_num_threads(2)
    application = QApplication.instance() or QApplication([])
    picture = np.ascontiguousarray(np.tile(skimage.data.astronaut(), (2, 2, 1))[:SIDE, :SIDE])
    engine = Engine()
    engine.handle(LoadWeights(None, "shipped", "cpu"))
    engine.handle(EncodeImage("a", picture))
    base = engine.handle(PredictClasses("a"))
    maps = engine.handle(ComputeAttention("a"))
    assert isinstance(base, Prediction)
    canvas, panel = CanvasView(), ExpertsPanel()
    canvas.resize(1000, 800)
    panel.resize(330, 900)
    canvas.image.set(picture)
    panel.sources.set_experts(maps)  # type: ignore[arg-type]
    for widget in (canvas, panel):
        widget.show()
    application.processEvents()
    runs = engine.encoder_runs

    def knock_out() -> None:
        answer = engine.handle(AlterExperts("a", {3: 0.0}))
        assert isinstance(answer, AlteredPrediction)
        changed = int(answer.change.moved.sum() - answer.change.moved.trace())
        panel.view.result.set_result(InterventionResult(changed, base.labels.size))
        canvas.prediction.set(answer.prediction.labels)
        canvas.repaint()

    views = {each.accessibleName(): each for each in panel.findChildren(QToolButton)}

    def switch() -> None:
        views["View: Mix"].click()
        panel.repaint()
        views["View: Look"].click()
        panel.repaint()

    head = milliseconds(lambda: engine.handle(AlterExperts("a", {3: 0.0})))
    whole = milliseconds(knock_out)
    print(f"knock-out, head alone            {head[0]:7.1f} ms (best {head[1]:.1f})")
    print(f"knock-out to repainted overlay   {whole[0]:7.1f} ms (best {whole[1]:.1f}); bar 100 ms")
    heads = milliseconds(lambda: engine.handle(AlterExperts("a", {(1, 3): 0.0})))
    print(f"knock-out of a head, head alone  {heads[0]:7.1f} ms (best {heads[1]:.1f})")
    gallery = milliseconds(switch)
    print(f"gallery, another view            {gallery[0] / 2:7.1f} ms (best {gallery[1] / 2:.1f}); bar 50 ms")
    print(f"encoder runs meanwhile           {engine.encoder_runs - runs}")
    large(engine, panel)


def large(engine: Engine, panel: ExpertsPanel) -> None:
    """A picture of 24 megapixels."""
    picture = np.ascontiguousarray(np.tile(skimage.data.astronaut(), (8, 12, 1))[:4000, :6000])
    started = perf_counter()
    engine.handle(EncodeImage("b", picture))
    print(
        f"24 megapixels, encoding          {perf_counter() - started:7.1f} s, resident {resident():.0f} MiB"
    )
    started = perf_counter()
    maps = engine.handle(ComputeAttention("b"))
    assert isinstance(maps, ExpertMaps)
    print(
        f"  maps of the whole              {perf_counter() - started:7.1f} s, one value per {maps.stride:.1f} px"
    )
    size = (maps.look.nbytes + maps.mix.nbytes) / 2**20
    print(f"  that cross to the window       {size:7.1f} MiB; bound 32 MiB; resident {resident():.0f} MiB")
    shown = milliseconds(lambda: panel.sources.set_experts(maps))
    print(f"  shown in the panel             {shown[0]:7.1f} ms (best {shown[1]:.1f})")
    for index in range(8):
        started = perf_counter()
        part = engine.handle(ComputeRegionAttention("b", Rect(index * 200, 1000, index * 200 + 1024, 2024)))
        assert isinstance(part, RegionAttention)
        if index in (0, 7):
            size = (part.look.nbytes + part.mix.nbytes) / 2**20
            print(
                f"  part {index + 1}, 1024 x 1024           {perf_counter() - started:7.1f} s, {size:.0f} MiB, one "
                f"value per {part.stride:.1f} px; remembered {engine._experts.nbytes / 2**20:.0f} MiB; resident "
                f"{resident():.0f} MiB"
            )
    print(f"  most that was ever resident    {resident(is_peak=True):7.0f} MiB")


def resident(*, is_peak: bool = False) -> float:
    """Memory of this process in MiB, now or at its worst; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    name = "VmHWM:" if is_peak else "VmRSS:"
    line = next(each for each in status.read_text().splitlines() if each.startswith(name))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
