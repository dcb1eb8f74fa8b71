"""A decoder that does not come to an end is given up."""

import threading
import time

import pytest
from PIL import Image

from latentseg_gui.io.images.image_errors import ImageError
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.images.time_limit import in_time


def test_a_reader_that_hangs_is_given_up_in_words(tmp_path):
    released = threading.Event()
    began = time.monotonic()
    with pytest.raises(ImageError, match=r"still busy after 0 seconds") as raised:
        in_time(tmp_path / "slow.tif", released.wait, 0.2)
    assert 0.2 <= time.monotonic() - began < 5
    assert "save it again" in raised.value.action
    released.set()


def test_in_time_nothing_is_different(tmp_path):
    Image.new("RGB", (8, 4), "red").save(tmp_path / "red.png")
    assert read_image(tmp_path / "red.png", image_id="a").shape == (4, 8)
    with pytest.raises(ImageError, match="is not there"):
        read_image(tmp_path / "missing.png")
