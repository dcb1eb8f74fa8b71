import os
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from latentseg_gui.io.images.display import ORIENTATION_NOTE
from latentseg_gui.io.images.reading import ImageError, ImageTooLargeError, list_images, probe, read_image
from latentseg_gui.io.images.thumbnails import thumbnail
from tests.io.image_files import chunk, exif_with, pillow_bytes, png_bytes, rgb, tiff_bytes

RNG = np.random.default_rng(0)


@pytest.fixture
def write(tmp_path):
    def written(data, name="image.bin"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return written


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "WEBP", "GIF", "JPEG"])
@pytest.mark.parametrize("name", ["right", "image.png", "ü 漢字 🙂 ' \" % #.jpg"])
def test_eight_bit_colours_are_read_as_they_are(write, file_format, name):
    pixels = np.kron(rgb((3, 4)), np.ones((8, 8, 1), np.uint8))
    options = {"lossless": True} if file_format == "WEBP" else {"quality": 100, "subsampling": 0}
    record = read_image(
        write(pillow_bytes(Image.fromarray(pixels), file_format, **options), name), image_id="x"
    )
    tolerance = {"JPEG": 4, "GIF": 0}.get(file_format, 0)
    assert record.image_id == "x"
    assert record.pixels.dtype == np.uint8
    assert np.abs(record.pixels.astype(int) - pixels).max() <= tolerance
    assert (record.frame, record.frames) == (0, 1)
    if file_format != "GIF":
        assert record.source is record.pixels
        assert record.notes == ()


TYPES = [np.uint8, np.uint16, np.int16, np.uint32, np.int32, np.float16, np.float32, np.float64]


def values_of(dtype, shape):
    if np.dtype(dtype).kind == "f":
        return RNG.normal(0, 100, shape).astype(dtype)
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("channels", [None, 2, 3, 4, 5])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_values_are_kept_whatever_their_type(write, dtype, channels, byteorder, planar):
    shape = (9, 11) if channels is None else (9, 11, channels)
    values = values_of(dtype, shape)
    stored = np.moveaxis(values, -1, 0) if channels and planar == "separate" else values
    options = {"photometric": "rgb" if channels == 3 else "minisblack", "byteorder": byteorder}
    if channels:
        options["planarconfig"] = planar
    record = read_image(write(tiff_bytes(stored, **options)))
    assert record.source.dtype == np.dtype(dtype)
    assert record.source.dtype.isnative
    assert np.array_equal(record.source, values)
    assert record.pixels.shape == (9, 11, 3)
    assert record.pixels.dtype == np.uint8
    if dtype is not np.uint8:
        assert any("is shown black" in note for note in record.level_notes)
    if channels and channels > 3:
        assert any("channels" in note for note in record.notes)


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (2, 4), (3, 2), (4, 6)])
@pytest.mark.parametrize("depth", [8, 16])
def test_png_values_are_kept_at_both_depths(write, channels, colour_type, depth):
    values = RNG.integers(0, 2**depth, (10, 13, channels)).astype(np.uint16 if depth == 16 else np.uint8)
    values = values[:, :, 0] if channels == 1 else values
    record = read_image(write(png_bytes(values, colour_type=colour_type, depth=depth)))
    assert record.source.dtype == values.dtype
    assert np.array_equal(record.source, values)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_sixteen_bits_are_stretched_for_display_and_it_is_said(write, byteorder):
    values = np.linspace(200, 2400, 64 * 64).astype(np.uint16).reshape(64, 64)
    record = read_image(write(tiff_bytes(values, byteorder=byteorder)))
    assert record.pixels.min() == 0
    assert record.pixels.max() == 255
    assert np.all(np.diff(record.pixels[:, :, 0].ravel().astype(int)) >= 0)
    assert record.notes == (), "levels are for where levels are set"
    assert record.level_notes == ("uint16 values are kept; 202 is shown black, 2397 white.",)


def test_values_that_are_no_numbers_do_not_spoil_the_display(write):
    values = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    values[0, 0], values[0, 1], values[0, 2] = np.nan, np.inf, -np.inf
    record = read_image(write(tiff_bytes(values)))
    assert record.pixels[0, 0, 0] == 0
    assert record.pixels[5, 5, 0] > 100
    assert any("finite" in note for note in record.level_notes)
    flat = read_image(write(tiff_bytes(np.full((4, 4), np.nan))))
    assert not flat.pixels.any()
    assert not read_image(write(tiff_bytes(np.full((4, 4), 7.0)))).pixels.any()


@pytest.mark.parametrize("file_format", ["PNG", "GIF", "TIFF", "BMP"])
def test_palettes_keep_their_indices_and_show_their_colours(write, file_format):
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) % 3, "L").convert("L")
    indexed = Image.frombytes("P", image.size, image.tobytes())
    indexed.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    record = read_image(write(pillow_bytes(indexed, file_format)))
    assert record.pixels[0, 0].tolist() == [255, 0, 0]
    assert record.pixels[0, 1].tolist() == [0, 255, 0]
    if file_format != "GIF":
        assert np.array_equal(record.source, np.arange(12).reshape(3, 4) % 3)
    assert any("Palette" in note for note in record.notes)


def test_a_transparent_entry_of_a_palette_is_shown_white(write):
    indexed = Image.frombytes("P", (2, 1), b"\0\1")
    indexed.putpalette([255, 0, 0, 0, 255, 0])
    record = read_image(write(pillow_bytes(indexed, "PNG", transparency=0)))
    assert record.source.tolist() == [[0, 1]]
    assert record.pixels.tolist() == [[[255, 255, 255], [0, 255, 0]]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA", "CMYK", "P"])
def test_every_mode_opens_in_right_colours(write, mode):
    image = Image.new("RGB", (6, 4), (255, 255, 255))
    image.paste((0, 0, 0), (0, 0, 3, 4))
    file_format = "TIFF" if mode == "CMYK" else "PNG"
    record = read_image(write(pillow_bytes(image.convert(mode), file_format)))
    assert (record.pixels[:, 3:] == 255).all()
    assert (record.pixels[:, :3] < 30).all()


def test_a_cmyk_jpeg_is_shown_in_colours_and_said(write):
    image = Image.new("RGB", (16, 16), (250, 10, 10)).convert("CMYK")
    record = read_image(write(pillow_bytes(image, "JPEG")))
    red, green, blue = record.pixels[8, 8].tolist()
    assert red > 200
    assert max(green, blue) < 60
    assert record.source.shape == (16, 16, 4)
    assert any("CMYK" in note for note in record.notes)


def test_transparency_is_shown_on_white(write):
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (200, 100, 50, 255)
    rgba[0, 1] = (0, 0, 0, 128)
    record = read_image(write(pillow_bytes(Image.fromarray(rgba), "PNG")))
    assert np.array_equal(record.source, rgba)
    assert record.pixels[0, 0].tolist() == [200, 100, 50]
    assert record.pixels[0, 1].tolist() == [127, 127, 127]
    assert record.pixels[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "TIFF16", "PNG16"])
def test_images_are_shown_upright(write, orientation, kind):
    """The stored array has its marked corner where EXIF says; upright it is the upper left one."""
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :8] = (255, 0, 0)
    upright[8:, 8:] = (0, 0, 255)
    stored = stored_for(upright, orientation)
    exif = exif_with(orientation)
    if kind == "TIFF16":
        data = tiff_bytes(
            stored.astype(np.uint16) * 257, photometric="rgb", extratags=[(274, 3, 1, orientation)]
        )
    elif kind == "PNG16":
        tag = chunk(b"eXIf", exif.tobytes()[6:])
        data = png_bytes(stored.astype(np.uint16) * 257, colour_type=2, depth=16, chunks=tag)
    else:
        options = {"TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True}, "JPEG": {"quality": 100}}
        data = pillow_bytes(Image.fromarray(stored), kind, exif=exif, **options.get(kind, {}))
    path = write(data)
    record = read_image(path)
    assert record.shape == (16, 24)
    assert np.abs(record.pixels[4, 4].astype(int) - (255, 0, 0)).max() < 20
    assert np.abs(record.pixels[12, 16].astype(int) - (0, 0, 255)).max() < 20
    assert record.source.shape[:2] == (16, 24)
    assert (ORIENTATION_NOTE in record.notes) == (orientation != 1)
    header = probe(path)
    assert (header.width, header.height) == (24, 16)
    assert thumbnail(path, 12).shape == (8, 12, 3)


def stored_for(upright, orientation):
    """What a camera writes: the inverse of how the tag says that it is to be turned."""
    methods = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # shown after turning clockwise, so stored turned the other way
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    if orientation == 1:
        return upright
    return np.asarray(Image.fromarray(upright).transpose(methods[orientation]))


@pytest.mark.parametrize("file_format", ["GIF", "TIFF", "PNG", "WEBP"])
def test_every_frame_can_be_chosen_and_their_number_is_said(write, file_format):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    options = {"save_all": True, "append_images": frames[1:], "lossless": True}
    path = write(pillow_bytes(frames[0], file_format, **options))
    assert probe(path).frames == 3
    for number in range(3):
        record = read_image(path, frame=number)
        assert (record.frame, record.frames) == (number, 3)
        assert record.pixels[3, 3].tolist() == [255 if channel == number else 0 for channel in range(3)]
    for number in (3, -1):
        with pytest.raises(ImageError, match="3 pages"):
            read_image(path, frame=number)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group4"])
def test_compressed_tiff_is_read(write, compression):
    if compression == "group4":
        image = Image.fromarray(rgb((32, 32))[:, :, 0] > 128)
    else:
        image = Image.fromarray(np.kron(rgb((4, 4)), np.ones((8, 8, 1), np.uint8)))
    record = read_image(write(pillow_bytes(image, "TIFF", compression=compression)))
    difference = np.abs(record.pixels.astype(int) - np.asarray(image.convert("RGB")))
    assert difference.max() <= (80 if compression == "jpeg" else 0)


def test_tiled_and_big_tiff_are_read(write):
    values = RNG.integers(0, 60000, (70, 90)).astype(np.uint16)
    for options in ({"tile": (32, 32)}, {"bigtiff": True}, {"compression": "zlib", "tile": (16, 16)}):
        assert np.array_equal(read_image(write(tiff_bytes(values, **options))).source, values)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (65500, 1), (1, 65500)])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_the_thinnest_images_open(write, shape, file_format):
    path = write(pillow_bytes(Image.fromarray(rgb(shape)), file_format))
    assert np.array_equal(read_image(path).pixels, rgb(shape))
    assert max(thumbnail(path, 64).shape) <= 64


def header_only_png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


BOMBS = {9_500: 800 * 2**20, 14_000: 1800 * 2**20, 14_700: 2**31, 20_000: 2**31, 65_535: 2**31}
"""Budgets that pictures of these sides exceed."""


@pytest.mark.parametrize("side", BOMBS)
def test_a_pixel_bomb_is_refused_from_its_header(write, side):
    path = write(header_only_png(side, side), "bomb.png")
    refused = refusal(path, BOMBS[side])
    assert refused.needed == side * side * 10
    assert refused.action


def test_a_real_pixel_bomb_is_refused_as_soon(write):
    """169 megapixels in half a megabyte: Pillow itself would only warn, and take 644 MB."""
    side = 13_000
    packer = zlib.compressobj(9)
    row = bytes(1 + side * 3)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    path = write(png, "bomb.png")
    assert path.stat().st_size < 600_000
    assert refusal(path, 2**30).needed == side * side * 10


def refusal(path, budget):
    """The error with which a file is refused: at once, and in next to no memory."""
    times = []
    for _ in range(5):  # the best of five: other programs may be busy
        began = time.process_time()
        with pytest.raises(ImageTooLargeError, match="GB"):
            read_image(path, budget=budget)
        times.append(time.process_time() - began)
    assert min(times) < 0.05
    tracemalloc.start()
    with pytest.raises(ImageTooLargeError) as refused:
        read_image(path, budget=budget)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    return refused.value


def test_the_user_may_allow_what_the_budget_refuses(write):
    path = write(pillow_bytes(Image.fromarray(rgb((50, 50))), "PNG"))
    with pytest.raises(ImageTooLargeError):
        read_image(path, budget=1000)
    assert read_image(path, budget=None).shape == (50, 50)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n%%EOF\n"
STRANGERS = {
    "eps": EPS,
    "psd": b"8BPS\0\1" + bytes(60),
    "fits": b"SIMPLE  =                    T" + b" " * 2850,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "text": b"just words\n" * 50,
    "html": b"<!doctype html><html>not found</html>",
    "pdf": b"%PDF-1.7\n" + bytes(100),
    "xpm": b"/* XPM */\nstatic char * x[] = {" + bytes(60),
    "zip": b"PK\3\4" + bytes(100),
    "empty": b"",
    "zeros": bytes(100),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_is_no_image_is_refused_whatever_its_name(write, kind, monkeypatch):
    def started(*_args, **_kwargs):
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", started)
    for read in (read_image, probe, thumbnail):
        with pytest.raises(ImageError) as refused:
            read(write(STRANGERS[kind], f"{kind}.png"))
        assert f"{kind}.png" in refused.value.what
        assert refused.value.action


def test_zero_sized_images_are_refused(write):
    with pytest.raises(ImageError):
        read_image(write(header_only_png(0, 0)))
    with pytest.raises(ImageError):
        read_image(write(header_only_png(0, 7)))


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(ImageError, match="not there"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(ImageError):
        read_image(tmp_path)
    with pytest.raises(ImageError):
        read_image(tmp_path / "a\0b.png")


def test_the_file_is_never_changed(write):
    data = pillow_bytes(Image.fromarray(rgb()), "JPEG", exif=exif_with(6))
    path = write(data)
    read_image(path)
    thumbnail(path)
    assert path.read_bytes() == data


@pytest.mark.skipif(not hasattr(os, "fork"), reason="measures a child of its own")
@pytest.mark.parametrize("size", [(4000, 5000), pytest.param((10_000, 10_000), marks=pytest.mark.slow)])
@pytest.mark.parametrize(("file_format", "per_pixel"), [("JPEG", 11), ("PNG", 11)])
def test_reading_a_large_image_takes_what_the_budget_says(write, file_format, per_pixel, size):
    """I-09, 20 megapixels (nightly 100): the peak of a fresh process over what it is after a small image."""
    height, width = size
    small = write(pillow_bytes(Image.new("RGB", (64, 64)), file_format), "small")
    large = write(pillow_bytes(Image.new("RGB", (width, height), (9, 200, 30)), file_format), "large")
    program = (
        "import resource, sys; from pathlib import Path; from latentseg_gui.io.images.reading import read_image\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read_image(Path(sys.argv[1])); before = peak()\n"
        "record = read_image(Path(sys.argv[2])); print(peak() - before, record.shape)"
    )
    command = [sys.executable, "-c", program, str(small), str(large)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(maxsplit=1)
    unit = 1 if sys.platform == "darwin" else 1024
    assert output[1].strip() == str((height, width))
    assert int(output[0]) * unit < per_pixel * height * width


def test_folders_are_searched_in_the_order_of_names(tmp_path):
    for name in ("b/2.PNG", "b/10.jpg", "a.tif", "notes.txt", ".hidden.png", ".thumbs/x.png", "b/c/1.webp"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "b" / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == ["a.tif", "b/2.PNG", "b/10.jpg", "b/c/1.webp"]
    with pytest.raises(ImageError, match="cannot be read"):
        list_images(tmp_path / "gone")
    with pytest.raises(ImageError):
        list_images(tmp_path / "a.tif")


def test_ten_thousand_images_are_listed_in_a_second(tmp_path):
    for number in range(10_000):
        (tmp_path / f"{number}.png").touch()
    began = time.process_time()
    found = list_images(tmp_path)
    seconds = time.process_time() - began
    assert len(found) == 10_000
    assert [path.name for path in found[:3]] == ["0.png", "1.png", "2.png"]
    assert seconds < 1


@pytest.mark.parametrize("name", [b"\xff\xfe.png", b"x" * 251 + b".png", b" a'b\"c%d#e.png", b"con.png"])
def test_strange_names_open_or_say_why(tmp_path, name):
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "wb") as file:
        file.write(pillow_bytes(Image.fromarray(rgb()), "PNG"))
    (found,) = list_images(tmp_path)
    assert read_image(found).shape == (12, 17)
    found.write_bytes(b"rubbish")
    with pytest.raises(ImageError) as refused:
        read_image(found)
    refused.value.what.encode("utf-8")


def test_a_page_that_is_a_volume_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "volume.tif"
    values = np.zeros((4, 16, 16, 3), np.uint8)
    tifffile.imwrite(path, values, photometric="rgb", volumetric=True, tile=(2, 16, 16))
    with pytest.raises(ImageError, match=r"volume\.tif"):
        read_image(path)
