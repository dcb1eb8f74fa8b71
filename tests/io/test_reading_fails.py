"""Files that open and then cannot be read, and files that keep a reader busy."""

import errno
import io
import logging
import struct
import threading
import time

import pytest
import tifffile
from PIL import Image

from latentseg_gui.io.images import reading as images
from latentseg_gui.io.images import thumbnails, time_limit
from latentseg_gui.io.images.reading import ImageError, probe, read_image
from latentseg_gui.io.images.thumbnails import thumbnail
from tests.io.image_files import pillow_bytes, rgb, tiff_bytes

READERS = (probe, read_image, thumbnail)
FILES = {
    "png": lambda: pillow_bytes(Image.fromarray(rgb((40, 50))), "PNG"),
    "jpeg": lambda: pillow_bytes(Image.fromarray(rgb((40, 50))), "JPEG"),
    "tiff": lambda: tiff_bytes(rgb((40, 50)), photometric="rgb", compression="zlib"),
}


class FailingDisk(io.BytesIO):
    """A file whose reads fail from the ``good``-th on, as on a disk or net that goes away."""

    def __init__(self, data, good, code):
        super().__init__(data)
        self.good, self.code, self.name = good, code, "failing"

    def read(self, *args):
        self.good -= 1
        if self.good < 0:
            raise OSError(self.code, "the disk says no")
        return super().read(*args)


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("kind", FILES)
def test_a_read_that_fails_after_the_opening_is_said_wherever_it_fails(tmp_path, monkeypatch, kind, code):
    path = tmp_path / f"photo.{kind}"
    path.write_bytes(FILES[kind]())
    refusals = []
    for good in range(12):
        for module in (images, thumbnails):
            monkeypatch.setattr(
                module, "open_regular", lambda path, good=good: FailingDisk(path.read_bytes(), good, code)
            )
        for read in READERS:
            try:
                read(path)
            except ImageError as refused:
                refusals.append(refused)
    assert all("“photo." in refused.what and refused.action for refused in refusals)
    assert all("the disk says no" in refused.what for refused in refusals[: len(READERS)])
    assert len(refusals) >= len(READERS)


@pytest.mark.parametrize("read", READERS)
def test_every_reader_gives_up_a_file_that_keeps_it_busy(tmp_path, monkeypatch, read):
    path = tmp_path / "slow.jpg"
    path.write_bytes(FILES["jpeg"]())
    monkeypatch.setattr(time_limit, "SECONDS", 0.2)
    released = threading.Event()
    for module in (images, thumbnails):
        monkeypatch.setattr(module, "open_regular", lambda _path: released.wait(20))
    with pytest.raises(ImageError, match="still busy"):
        read(path)
    released.set()


def loop_of_pages(count):
    """A TIFF whose last page is followed by its second."""
    data = bytearray(tiff_bytes(rgb((4, 5)), photometric="rgb"))
    start = struct.unpack_from("<I", data, 4)[0]
    size = struct.unpack_from("<H", data, start)[0]
    page = bytes(data[start : start + 2 + 12 * size])
    places = []
    for _ in range(count):
        places.append(len(data))
        data += page + bytes(4)
    data[start + len(page) : start + len(page) + 4] = struct.pack("<I", places[0])
    for place, following in zip(places, [*places[1:], places[0]], strict=True):
        data[place + len(page) : place + len(page) + 4] = struct.pack("<I", following)
    return bytes(data)


def test_a_chain_of_pages_that_comes_back_to_itself_ends_there(tmp_path):
    path = tmp_path / "loop.tif"
    path.write_bytes(loop_of_pages(3000))
    began = time.process_time()
    assert probe(path).frames == 3001
    assert read_image(path, frame=3000).shape == (4, 5)
    assert time.process_time() - began < 2
    with pytest.raises(ImageError, match="3001 pages"):
        read_image(path, frame=3001)


def test_too_many_pages_are_refused_soon_and_without_a_word_on_the_side(tmp_path, capfd, caplog):
    path = tmp_path / "many.tif"
    path.write_bytes(loop_of_pages(100_001))
    began = time.process_time()
    with caplog.at_level(logging.DEBUG), pytest.raises(ImageError):
        probe(path)
    assert time.process_time() - began < 5
    path.write_bytes(
        tiff_bytes(rgb((4, 5)), photometric="rgb").replace(b"tifffile.py", b"\xff\xfe\xfd\xfctiff.py")
    )
    read_image(path)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    assert tifffile.logger().level > logging.CRITICAL
