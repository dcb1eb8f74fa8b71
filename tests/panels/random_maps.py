"""Attention maps out of random numbers."""

from __future__ import annotations

import numpy as np

from latentseg_gui.document.experts.maps import ExpertMaps


def random_maps(heads: int = 2, count: int = 5, rows: int = 6, cols: int = 8, seed: int = 0) -> ExpertMaps:
    rng = np.random.default_rng(seed)
    look = rng.random((heads, count, rows, cols)).astype(np.float32)
    mix = rng.random((heads, count, rows, cols)).astype(np.float32)
    look /= look.sum(axis=(2, 3), keepdims=True)
    mix /= mix.sum(axis=1, keepdims=True)
    return ExpertMaps("a", "v1", look, mix, (rows * 4, cols * 4), 4.0)
