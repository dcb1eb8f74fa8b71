"""What is read of a file are its own numbers, in every format; what is left out of the contrast is said."""

import io

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from latentseg_gui.io.images.reading import SUFFIXES, ImageError, list_images, probe, read_image
from latentseg_gui.io.images.thumbnails import thumbnail
from tests.io.image_files import pillow_bytes, png_bytes, rgb, tiff_bytes

Y, X = np.mgrid[:64, :96]
DEEP = np.stack([300 + X * 4, 300 + Y * 4, 300 + X * 2 + Y * 2], -1).astype(np.uint16)
"""Ten bits of sixteen are used: cut to eight, hardly anything is left."""


@pytest.fixture
def write(tmp_path):
    def written(data, name="image.bin"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return written


@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd", "lzma", "packbits"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4, 6])
def test_compressed_tiff_keep_their_values(write, compression, dtype, channels):
    values = np.dstack([DEEP, DEEP])[:, :, :channels].astype(dtype)
    stored = values[:, :, 0] if channels == 1 else values
    options = {"predictor": True} if compression in ("lzw", "zlib") else {}
    photometric = "rgb" if channels in (3, 4) else "minisblack"
    more = {} if channels == 1 else {"planarconfig": "contig"}
    more |= {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    path = write(
        tiff_bytes(stored, compression=compression, photometric=photometric, **options, **more), "a.tif"
    )
    record = read_image(path)
    assert np.array_equal(record.source, stored)
    assert record.source.dtype == dtype
    assert record.pixels.max() > 200, "not shown black"
    assert not any("8 bits" in note for note in record.notes)


@pytest.mark.parametrize("kind", ["colours", "grey", "float", "float colours", "alpha"])
def test_tiff_as_opencv_writes_it_keeps_its_values(tmp_path, kind):
    values = {
        "colours": DEEP,
        "grey": DEEP[:, :, 0],
        "float": (DEEP[:, :, 0] / 65535).astype(np.float32),
        "float colours": (DEEP / 65535).astype(np.float32),
        "alpha": np.dstack([DEEP, np.full((64, 96), 65535, np.uint16)]),
    }[kind]
    path = tmp_path / "lzw.tif"
    assert cv2.imwrite(str(path), values)
    record = read_image(path)
    stored = values if values.ndim == 2 else values[:, :, [2, 1, 0, 3][: values.shape[2]]]
    assert np.array_equal(record.source, stored)
    assert record.pixels.max() == 255
    assert record.pixels.std() > 20


@pytest.mark.parametrize("compression", ["jpeg", "webp", "jpeg2000", "png"])
def test_pictures_in_tiff_are_read(write, compression):
    smooth = np.dstack([X * 2, Y * 3, X + Y]).astype(np.uint8)
    path = write(tiff_bytes(smooth, compression=compression, photometric="rgb", tile=(32, 32)), "a.tif")
    assert np.abs(read_image(path).pixels.astype(int) - smooth).mean() < 6


def test_a_compression_that_is_not_read_is_named(write):
    path = write(tiff_bytes(DEEP[:, :, 0], compression="lerc"), "map.tif")
    with pytest.raises(ImageError, match=r"not read \(LERC\)") as refused:
        read_image(path)
    assert "LZW" in refused.value.action


def test_a_page_with_white_as_zero_is_shown_inverted_and_keeps_its_numbers(write):
    for values in (DEEP[:, :, 0], DEEP[:, :, 0].astype(np.float32), (X * 2).astype(np.uint8)):
        record = read_image(write(tiff_bytes(values, photometric="miniswhite"), "fax.tif"))
        assert np.array_equal(record.source, values)
        assert record.is_inverted
        assert record.pixels[32, 2, 0] > 230
        assert record.pixels[32, -2, 0] < 90
        assert np.all(np.diff(record.pixels[32, :, 0].astype(int)) <= 0)


def test_which_value_is_shown_black_and_which_white_is_said_as_it_is_seen(write):
    values = np.repeat(np.linspace(100, 900, 64).astype(np.uint16)[None], 64, axis=0)
    for kind, black, white in (("miniswhite", 900, 100), ("minisblack", 100, 900)):
        record = read_image(write(tiff_bytes(values, photometric=kind), "fax.tif"))
        (said,) = (note for note in record.level_notes if "is shown black" in note)
        assert f"{black} is shown black, {white} white" in said
        shown = {int(record.source[0, col]): int(record.pixels[0, col, 0]) for col in (0, -1)}
        assert (shown[black], shown[white]) == (0, 255)


def test_a_volume_and_complex_numbers_are_named_for_what_they_are(write):
    volume = write(
        tiff_bytes(
            np.zeros((4, 16, 32), np.uint8), volumetric=True, tile=(4, 16, 16), photometric="minisblack"
        ),
        "stack.tif",
    )
    with pytest.raises(ImageError, match="a volume of 4 layers") as refused:
        read_image(volume)
    assert "damaged" not in str(refused.value)
    waves = write(tiff_bytes(DEEP[:, :, 0].astype(np.complex64)), "waves.tif")
    with pytest.raises(ImageError, match="complex numbers"):
        read_image(waves)


def test_sixteen_bits_of_a_grey_png_are_read_without_a_false_word(write):
    record = read_image(write(png_bytes(DEEP[:, :, 0], colour_type=0, depth=16), "grey.png"))
    assert record.source.dtype == np.uint16
    assert np.array_equal(record.source, DEEP[:, :, 0])
    assert record.notes == ()


RARE = {
    "avif": lambda image: pillow_bytes(image, "AVIF", quality=95),
    "jp2": lambda image: pillow_bytes(image, "JPEG2000"),
    "j2k": lambda image: pillow_bytes(image, "JPEG2000", no_jp2=True),
    "ppm": lambda image: pillow_bytes(image, "PPM"),
    "pgm": lambda image: pillow_bytes(image.convert("L"), "PPM"),
    "pbm": lambda image: pillow_bytes(image.convert("1"), "PPM"),
}


@pytest.mark.parametrize("ending", RARE)
def test_what_pillow_reads_is_listed_and_read(tmp_path, ending):
    image = Image.fromarray(np.kron(rgb((4, 6)), np.ones((16, 16, 1), np.uint8)))
    path = tmp_path / f"picture.{ending.upper()}"
    path.write_bytes(RARE[ending](image))
    assert list_images(tmp_path) == (path,)
    shown = np.asarray(image.convert({"pgm": "L", "pbm": "1"}.get(ending, "RGB")).convert("RGB"))
    record = read_image(path)
    assert np.abs(record.pixels.astype(int) - shown).mean() < 4
    assert record.notes == ()
    assert probe(path).frames == 1
    assert max(thumbnail(path, 32).shape[:2]) <= 32


def test_every_ending_has_a_format_and_is_in_lower_case():
    Image.init()
    known = Image.registered_extensions()
    assert all(ending in known and ending == ending.lower() for ending in SUFFIXES)
    assert len(set(SUFFIXES)) == len(SUFFIXES)


@pytest.mark.parametrize("largest", [15, 1023, 4095, 65535])
@pytest.mark.parametrize(("kind", "channels"), [(2, 1), (3, 3), (5, 1), (6, 3)])
def test_a_pnm_keeps_its_numbers_whatever_its_largest(write, kind, channels, largest):
    values = (DEEP.astype(int) % (largest + 1)).astype(np.uint16)[:, :, :channels]
    head = f"P{kind}\n# made by hand\n96 64\n# and again\n{largest}\n".encode()
    if kind < 4:
        body = b"\n".join(b" ".join(str(n).encode() for n in row) for row in values.reshape(64, -1))
    else:
        body = values.astype(">u2" if largest > 255 else np.uint8).tobytes()
    record = read_image(write(head + body, "a.pnm"))
    assert np.array_equal(record.source, values[:, :, 0] if channels == 1 else values)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as for users, who see none
def test_a_cut_pnm_is_damaged(write):
    odd = b"P2 2 2 99 1 2 x 4 5"
    for data in (b"P6 40 40 4095\n" + bytes(100), b"P5 4", b"P2 4 4 99 1 2 3", odd):
        with pytest.raises(ImageError, match="damaged"):
            read_image(write(data, "a.pnm"))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_deep_jpeg_2000_keeps_its_numbers(write, channels):
    values = DEEP[:, :, 0] if channels == 1 else DEEP
    data = imagecodecs.jpeg2k_encode(values, level=0, reversible=True)
    record = read_image(write(bytes(data), "a.jp2"))
    assert record.source.dtype == np.uint16
    assert np.array_equal(record.source, values)


def test_the_lost_depth_of_an_avif_is_said(write):
    data = imagecodecs.avif_encode(DEEP, level=90, bitspersample=10)
    record = read_image(write(bytes(data), "a.avif"))
    assert record.notes == ("Colours of more than 8 bits were read with 8 bits.",)


HEIGHTS = (100 + X + Y).astype(np.float32)


@pytest.mark.parametrize(
    ("nodata", "dtype"),
    [
        (-9999, np.float32),
        (-9999, np.int16),
        (-32768, np.int16),
        (3.4e38, np.float32),
        (np.finfo(np.float32).max, np.float32),
        (np.finfo(np.float32).min, np.float32),
        (-9999, np.float64),
    ],
)
@pytest.mark.parametrize("is_told", [True, False])
def test_a_value_for_nothing_stays_out_of_the_contrast_and_is_said(write, nodata, dtype, is_told):
    values = HEIGHTS.astype(dtype)
    values[:20, :30] = nodata
    tags = [(42113, 2, None, str(nodata), False)] if is_told else []
    record = read_image(write(tiff_bytes(values, extratags=tags), "height.tif"))
    assert np.array_equal(record.source, values)
    seen = record.pixels[20:, 30:, 0]
    assert seen.min() < 70
    assert seen.max() > 235
    assert np.ptp(record.pixels[40, 40:, 0].astype(int)) > 60, "a slope is seen as one"
    assert record.nodata is not None
    assert np.isclose(record.nodata, float(nodata), rtol=1e-6)
    (said,) = [note for note in record.level_notes if "no data" in note]
    assert "600 times" in said
    assert ("as the file says" in said) == is_told
    assert record.notes == ()


def test_any_value_that_the_file_names_stands_for_nothing(write):
    values = HEIGHTS.copy()
    values[0] = 77777
    told = tiff_bytes(values, extratags=[(42113, 2, None, "77777", False)])
    record = read_image(write(told, "height.tif"))
    assert record.nodata == 77777
    assert record.pixels[1:].max() > 235
    for wrong in ("nan", "", "much", "1e999"):
        record = read_image(write(tiff_bytes(HEIGHTS, extratags=[(42113, 2, None, wrong, False)]), "b.tif"))
        assert record.nodata is None


def test_ordinary_numbers_are_not_taken_for_nothing(write):
    values = np.linspace(-20_000, 20_000, 64 * 96).reshape(64, 96)
    values[3, 3] = -9999
    assert read_image(write(tiff_bytes(values), "a.tif")).nodata is None
    assert read_image(write(tiff_bytes((X * 2).astype(np.uint8)), "b.tif")).nodata is None


def test_pixels_that_are_no_number_are_said(write):
    values = HEIGHTS.copy()
    values[:5] = np.nan
    record = read_image(write(tiff_bytes(values), "a.tif"))
    assert any("without a finite value" in note for note in record.level_notes)
    assert record.pixels[5:].max() == 255


@pytest.mark.parametrize("size", [1e300, 1e308, 1.7976931348623157e308])
def test_the_largest_numbers_are_shown_as_the_slope_that_they_are(write, size):
    values = np.linspace(-1, 1, 64 * 96).reshape(64, 96) * size
    record = read_image(write(tiff_bytes(values), "a.tif"))
    shown = record.pixels[:, :, 0].astype(int).ravel()
    assert np.all(np.diff(shown) >= 0)
    assert len(np.unique(shown)) > 200


def test_whole_numbers_beyond_what_a_float_tells_apart_are_shown_or_it_is_said(write):
    largest = np.iinfo(np.uint64).max
    far = np.full((64, 96), largest, np.uint64)
    far[:, :48] = largest // 2
    record = read_image(write(tiff_bytes(far), "a.tif"))
    assert record.pixels[0, 0, 0] == 0
    assert record.pixels[0, -1, 0] == 255
    near = np.full((64, 96), largest, np.uint64)
    near[:, :48] = largest - 3
    record = read_image(write(tiff_bytes(near), "a.tif"))
    assert any("differ by too little" in note for note in record.level_notes)
    assert not any("too little" in note for note in read_image(write(tiff_bytes(far), "a.tif")).level_notes)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.uint32])
def test_levels_of_whole_numbers_are_whole(write, dtype):
    values = np.random.default_rng(0).normal(3000, 400, (200, 200)).astype(dtype)
    (said,) = read_image(write(tiff_bytes(values), "a.tif")).level_notes
    assert "." not in said.removesuffix(".")
    assert said.startswith(f"{np.dtype(dtype)} values are kept; ")


def test_pages_of_other_kinds_are_each_read_as_they_are(write):
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(DEEP, photometric="rgb", compression="lzw")
        writer.write(HEIGHTS[:20], photometric="minisblack")
    path = write(buffer.getvalue(), "two.tif")
    assert [read_image(path, frame=frame).source.dtype for frame in (0, 1)] == [np.uint16, np.float32]
    assert read_image(path, frame=1).shape == (20, 96)
