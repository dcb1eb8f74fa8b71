"""What is said of experts is the same number in the window, over a folder, and on the command line."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from latentseg_gui.headless.experts.inspect import Names, inspect
from latentseg_gui.inference.experts.experts import Experts
from latentseg_gui.inference.messages import MeasureShares
from latentseg_gui.panels.experts import attention_math
from model.analysis import attention as analysis
from model.prediction.predictor import Predictor
from tests.tiny import disks, tiny_network


def test_experts_against_classes_are_one_table_wherever_it_is_asked_for() -> None:
    pixels = disks(0)[0]
    predictor = Predictor(tiny_network(), "cpu")
    predictor.set_image(pixels)
    count = predictor.num_experts
    names = Names(tuple(map(str, range(count))), ("background", "disk"), {})
    report, _ = inspect(predictor, "mean", names)

    maps, labels = predictor.attention(), predictor.predict_classes().labels
    mix = attention_math.reduce_heads(maps.mix, "mean")
    at_tokens = attention_math.labels_at_tokens(labels, maps.mix.shape[2:], maps.stride)
    in_window = attention_math.class_affinity(mix, at_tokens, 2)
    assert np.array_equal(report.affinity, in_window)
    assert np.array_equal(report.mass, attention_math.mass(mix))
    assert np.array_equal(report.entropy, attention_math.mix_entropy(mix))

    class Live:
        info = type("Info", (), {"version": "v1"})

    live = Live()
    live.predictor = predictor  # type: ignore[attr-defined]
    shares = Experts(lambda _: live, lambda: live).measure_shares(MeasureShares("a", pixels)).shares  # type: ignore[arg-type,return-value]
    assert np.allclose(shares, in_window * attention_math.mass(mix)[:, None], atol=1e-7)


def test_there_is_one_definition_of_each_and_it_needs_no_torch() -> None:
    from model.analysis import inspection

    for name in ("reduce_heads", "mass", "look_entropy", "mix_entropy", "territory", "class_affinity"):
        assert getattr(attention_math, name) is getattr(inspection, name) is getattr(analysis, name)
    program = "import sys, model.analysis.attention; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
