"""I-09 without a window: header, preview and memory of a large image; 20 megapixels, nightly 100."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import thread_time

import numpy as np
import pytest
from PIL import Image
from skimage import data

from latentseg_gui.io.images.reading import probe
from latentseg_gui.io.images.thumbnails import GLANCE_PIXELS, reduced, thumbnail

MEGAPIXELS = (20, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(900)]))
HEADER_S = 0.05
PREVIEW_S = {"JPEG": 1.0, "PNG": 6.0}


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory):
    """Writes a photograph, repeated to so many megapixels, once."""
    folder, made = tmp_path_factory.mktemp("large"), {}

    def path_of(megapixels: float, kind: str) -> Path:
        if (megapixels, kind) not in made:
            tile, side = data.astronaut(), round((megapixels * 1e6) ** 0.5)
            times = -(-side // tile.shape[0])
            path = folder / f"{megapixels}.{kind.lower()}"
            Image.fromarray(np.tile(tile, (times, times, 1))[:side, :side]).save(path, kind, compress_level=1)
            made[megapixels, kind] = path
        return made[megapixels, kind]

    return path_of


def own_seconds(call) -> float:
    """What this thread itself works: a busy machine makes it wait, not work."""
    start = thread_time()
    call()
    return thread_time() - start


@pytest.mark.parametrize("kind", PREVIEW_S)
@pytest.mark.parametrize("megapixels", MEGAPIXELS)
def test_header_and_preview_of_a_large_image_are_there_soon(photo, megapixels, kind):
    path, small = photo(megapixels, kind), photo(0.01, kind)
    probe(small), thumbnail(small)  # what is imported only once is not counted
    assert own_seconds(lambda: probe(path)) < HEADER_S
    assert own_seconds(lambda: thumbnail(path)) < PREVIEW_S[kind]
    header, preview = probe(path), thumbnail(path)
    assert header.width * header.height == pytest.approx(megapixels * 1e6, rel=0.01)
    assert preview.shape == (128, 128, 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="measures a child of its own")
@pytest.mark.parametrize("kind", PREVIEW_S)
@pytest.mark.parametrize("megapixels", MEGAPIXELS)
def test_reading_takes_less_than_eleven_bytes_per_pixel(photo, megapixels, kind):
    program = (
        "import resource, sys; from pathlib import Path; from latentseg_gui.io.images.reading import read_image\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read_image(Path(sys.argv[1])); before = peak()\n"
        "record = read_image(Path(sys.argv[2])); print(peak() - before, record.pixels.size // 3)"
    )
    paths = [str(photo(size, kind)) for size in (0.01, megapixels)]
    command = [sys.executable, "-c", program, *paths]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    taken, pixels = (int(number) for number in answer.split())
    assert taken * (1 if sys.platform == "darwin" else 1024) < 11 * pixels


@pytest.mark.parametrize("shape", [(3001, 2777), (1500, 9000), (9000, 40), (300, 200)])
@pytest.mark.parametrize("band", [1, 1 << 16, 1 << 21])
def test_an_image_reduced_in_bands_is_the_one_reduced_at_once(monkeypatch, shape, band):
    monkeypatch.setattr("latentseg_gui.io.images.thumbnails._BAND_PIXELS", band)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (*shape, 3), np.uint8)
    labels = np.tile(np.arange(shape[1], dtype=np.uint8), (shape[0], 1))
    small, picked = reduced(pixels, labels)
    assert small.shape[:2] == picked.shape
    assert picked.size <= max(GLANCE_PIXELS * 1.01, min(GLANCE_PIXELS, labels.size))
    want = np.asarray(Image.fromarray(pixels).resize(small.shape[1::-1], Image.Resampling.BOX)).astype(int)
    assert (np.abs(want - small) > 1).mean() < 0.01, "but for rows on the edge of two boxes"
    assert np.abs(want - small).max() < 40
