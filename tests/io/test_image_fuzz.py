"""I-01: whatever the bytes, only `ImageError` leaves the reader, and soon."""

import time
import warnings

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from latentseg_gui.io.images.reading import ImageError, read_image
from latentseg_gui.io.images.thumbnails import thumbnail
from tests.io.image_files import exif_with, pillow_bytes, png_bytes, rgb, tiff_bytes

_SECONDS = 2.0
"""Of this process, not of the clock on the wall: a busy machine is not the reader's fault."""


def samples():
    """Small files of all kinds that the readers know."""
    image = Image.fromarray(rgb((24, 31)))
    frames = {"save_all": True, "append_images": [image.rotate(90, expand=False)]}
    deep = np.random.default_rng(1).integers(0, 65536, (24, 31, 3)).astype(np.uint16)
    yield pillow_bytes(image, "PNG", exif=exif_with(6))
    yield pillow_bytes(image.convert("P"), "PNG", transparency=3)
    yield pillow_bytes(image, "JPEG", exif=exif_with(5))
    yield pillow_bytes(image.convert("CMYK"), "JPEG", progressive=True)
    yield pillow_bytes(image.convert("P"), "GIF", **frames)
    yield pillow_bytes(image, "WEBP", **frames)
    yield pillow_bytes(image, "BMP")
    yield pillow_bytes(image.convert("1"), "TIFF", compression="group4")
    yield pillow_bytes(image, "TIFF", compression="tiff_lzw", **frames)
    yield png_bytes(deep, colour_type=2, depth=16)
    yield tiff_bytes(deep, photometric="rgb", tile=(16, 16), compression="zlib")
    yield tiff_bytes(np.moveaxis(deep, -1, 0).astype(np.float32), photometric="minisblack")
    yield tiff_bytes(deep[:, :, 0], bigtiff=True, byteorder=">")
    yield tiff_bytes(deep, photometric="rgb", compression="lzw", predictor=True, rowsperstrip=5)
    yield tiff_bytes(np.asarray(image), photometric="rgb", compression="jpeg", tile=(16, 16))
    yield tiff_bytes(np.asarray(image), photometric="rgb", compression="jpeg2000", tile=(16, 16))
    yield tiff_bytes(np.asarray(image), photometric="rgb", compression="webp", tile=(16, 16))
    yield pillow_bytes(image, "AVIF", **frames)
    yield pillow_bytes(image, "JPEG2000")
    yield bytes(imagecodecs.jpeg2k_encode(deep, level=0, reversible=True))
    yield pillow_bytes(image, "PPM")
    yield b"P6 31 24 4095\n" + deep.tobytes()
    yield b"P2 3 2 999\n1 2 3 4 5 999"
    yield pillow_bytes(image, "MPO", **frames)


def mutated(data, rng):
    """Cut, flip, overwrite, repeat or drop bytes; more often near the beginning, where headers are."""
    data = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        place = int(len(data) * rng.random() ** 3)
        length = int(rng.integers(1, 9))
        kind = rng.integers(0, 6)
        if kind == 0:
            del data[place:]
        elif kind == 1 and data:
            data[min(place, len(data) - 1)] ^= 1 << int(rng.integers(0, 8))
        elif kind == 2:
            data[place : place + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
        elif kind == 3:
            data[place : place + length] = bytes([int(rng.choice([0, 0x7F, 0xFF]))]) * length
        elif kind == 4:
            data[place:place] = data[place : place + 40 * length]
        else:
            del data[place : place + length]
    return bytes(data)


def attack(folder, rounds, seed):
    rng = np.random.default_rng(seed)
    files = list(samples())
    path = folder / "mutated.png"
    opened = 0
    refusals = []
    for number in range(rounds):
        path.write_bytes(mutated(files[number % len(files)], rng))
        began = time.process_time()
        for read in (read_image, thumbnail) if number % 4 == 0 else (read_image,):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    read(path)
                opened += 1
            except ImageError as refused:
                refusals.append(refused)
        seconds = time.process_time() - began
        assert seconds < _SECONDS, f"round {number} of seed {seed} took {seconds:.1f} s"
    assert all(refused.what and refused.action for refused in refusals)
    return opened


def test_two_thousand_mutated_images(tmp_path):
    opened = attack(tmp_path, 2000, seed=0)
    assert opened > 200  # the mutations are not all so coarse that nothing is tested behind the header


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1, 11))
def test_twenty_thousand_mutated_images_per_seed(tmp_path, seed):
    attack(tmp_path, 20_000, seed)
