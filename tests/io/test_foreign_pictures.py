"""Masks as other programs paint them: every kind of picture, and what it means beside the others of its folder."""

import json
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.masks import ImportContext, MaskError, import_mask
from latentseg_gui.io.masks.candidates import Target, match
from latentseg_gui.io.masks.finding import find_masks
from latentseg_gui.io.masks.values import Numbers

SHAPE = (40, 60)
BARE = ClassTable.from_names(["background"])
OWN = ClassTable.from_names(["background", "leaf", "stem"])
IDS = np.zeros(SHAPE, np.uint8)
IDS[5:15, 5:25] = 1
IDS[20:35, 30:50] = 2
AREA = IDS > 0
WHITE = AREA.astype(np.uint8) * 255


def png(array, **more):
    return lambda path: Image.fromarray(array).save(path.with_suffix(".png"), **more)


def tif(array, **more):
    return lambda path: tifffile.imwrite(path.with_suffix(".tif"), array, **more)


def cv(array, suffix=".tif"):
    return lambda path: cv2.imwrite(str(path.with_suffix(suffix)), array)


def pil(array, mode, suffix=".png", **more):
    return lambda path: Image.fromarray(array).convert(mode).save(path.with_suffix(suffix), **more)


def npy(array):
    return lambda path: np.save(path.with_suffix(".npy"), array)


def npz(**arrays):
    return lambda path: np.savez(path.with_suffix(".npz"), **arrays)


def palette(indices, colours):
    def save(path):
        image = Image.frombytes("P", (indices.shape[1], indices.shape[0]), indices.tobytes())
        image.putpalette(np.asarray(colours, np.uint8).tobytes())
        image.save(path.with_suffix(".png"))

    return save


def read_folder(folder, names=("a",), classes=BARE, numbers=None, **context):
    """What comes in for each image, as `latentseg import` and the window do it."""
    found = find_masks([folder], (), numbers)
    pairs = match(found.candidates, [Target(f"{name}.jpg", f"{name}.jpg", name) for name in names]).pairs
    read = {}
    for candidate, key in pairs:
        given = ImportContext(SHAPE, classes, key, reading=found.reading, **context)
        read[key.removesuffix(".jpg")] = candidate.read(given)
        classes = read[key.removesuffix(".jpg")].classes
    return read, found


RAMP = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
CLEAR = np.dstack([WHITE, WHITE, WHITE, WHITE])
BLACK_AND_WHITE = {
    "grey PNG": png(WHITE),
    "1-bit PNG": pil(WHITE, "1"),
    "RGB PNG": pil(WHITE, "RGB"),
    "RGBA PNG": pil(WHITE, "RGBA"),
    "LA PNG": pil(WHITE, "LA"),
    "16-bit PNG": png(WHITE.astype(np.uint16) * 257),
    "16-bit PNG of 8 bits": png(WHITE.astype(np.uint16)),
    "16-bit RGB PNG": cv(np.dstack([WHITE.astype(np.uint16) * 257] * 3), ".png"),
    "black and white palette": palette(AREA.astype(np.uint8), [(0, 0, 0), (255, 255, 255)]),
    "palette, white first": palette(1 - AREA.astype(np.uint8), [(255, 255, 255), (0, 0, 0)]),
    "ramp palette": palette(WHITE, RAMP),
    "inverted ramp palette (ImageJ)": palette(WHITE, RAMP[::-1]),
    "GIF": pil(WHITE, "L", ".gif"),
    "BMP": pil(WHITE, "L", ".bmp"),
    "1-bit BMP": pil(WHITE, "1", ".bmp"),
    "JPEG": pil(WHITE, "L", ".jpg", quality=80),
    "RGB JPEG of high quality": pil(WHITE, "RGB", ".jpg", quality=100),
    "JPEG of high quality": pil(WHITE, "L", ".jpg", quality=100),
    "lossy WebP": pil(WHITE, "RGB", ".webp", quality=70),
    "PGM": pil(WHITE, "L", ".pgm"),
    "PBM": pil(WHITE, "1", ".pbm"),
    "JPEG 2000": pil(WHITE, "L", ".jp2"),
    "CMYK TIFF": pil(WHITE, "CMYK", ".tif"),
    "TIFF": tif(WHITE),
    "TIFF, white is zero (ImageJ)": tif(WHITE, photometric="miniswhite"),
    "TIFF, white is zero, LZW": tif(WHITE, photometric="miniswhite", compression="lzw"),
    "TIFF, white is zero, packed": tif(WHITE, photometric="miniswhite", compression="packbits"),
    "TIFF of bits": tif(AREA),
    "TIFF of bits, white is zero": tif(AREA, photometric="miniswhite"),
    "fax TIFF": pil(WHITE, "1", ".tif", compression="group4"),
    "RGB TIFF": tif(np.dstack([WHITE] * 3), photometric="rgb"),
    "planar RGB TIFF": tif(np.stack([WHITE] * 3), photometric="rgb", planarconfig="separate"),
    "LZW TIFF": cv(WHITE),
    "16-bit TIFF": tif(WHITE.astype(np.uint16) * 257),
    "32-bit TIFF": tif(AREA.astype(np.uint32) * np.uint32(2**32 - 1)),
    "float TIFF of 0 and 1": tif(AREA.astype(np.float32)),
    "float TIFF of 0 and 255": tif(WHITE.astype(np.float32)),
    "two shades, neither white": png(AREA.astype(np.uint8) * 128),
    "0 and 1": png(AREA.astype(np.uint8)),
    "white, transparent outside": png(np.dstack([np.full_like(WHITE, 255)] * 3 + [WHITE])),
    "white on clear black": png(CLEAR),
    "array of bits": npy(AREA),
    "array of 255": npy(WHITE),
    "nameless archive": npz(arr_0=AREA),
}


@pytest.mark.parametrize("kind", BLACK_AND_WHITE)
def test_black_and_white_is_one_object_on_background_in_every_kind_of_picture(tmp_path, kind):
    BLACK_AND_WHITE[kind](tmp_path / "a")
    read, _ = read_folder(tmp_path)
    mask = read["a"]
    assert mask.classes.names == ("background", "object")
    assert np.count_nonzero(mask.labels != AREA) <= (12 if "JPEG" in kind or "lossy" in kind else 0)


MAP = np.random.default_rng(0).integers(0, 65535, (3, 256)).astype(np.uint16)
NUMBERED = {
    "grey PNG": png(IDS),
    "RGB PNG of numbers": pil(IDS, "RGB"),
    "palette PNG": palette(IDS, [(0, 0, 0), (128, 0, 0), (0, 128, 0)]),
    "grey palette": palette(IDS, [(0, 0, 0), (90, 90, 90), (180, 180, 180)]),
    "palette TIFF": tif(IDS, photometric="palette", colormap=MAP),
    "16-bit PNG": png(IDS.astype(np.uint16)),
    "TIFF": tif(IDS),
    "LZW TIFF": cv(IDS),
    "LZW TIFF of 16 bits": cv(IDS.astype(np.uint16)),
    "deflated TIFF": tif(IDS, compression="zlib", predictor=True),
    "32-bit TIFF": tif(IDS.astype(np.uint32)),
    "signed TIFF": tif(IDS.astype(np.int16)),
    "float TIFF": tif(IDS.astype(np.float32)),
    "double TIFF": tif(IDS.astype(np.float64)),
    "8-bit array": npy(IDS),
    "64-bit array": npy(IDS.astype(np.int64)),
    "float array": npy(IDS.astype(np.float64)),
    "stacked array": npy(IDS[None]),
    "archive": npz(labels=IDS.astype(np.int32)),
}


@pytest.mark.parametrize("kind", NUMBERED)
def test_small_numbers_are_classes_unless_the_user_says_objects(tmp_path, kind):
    NUMBERED[kind](tmp_path / "a")
    read, _ = read_folder(tmp_path, classes=OWN)
    assert np.array_equal(read["a"].labels, IDS)
    assert read["a"].instances is None
    if "palette" in kind or "archive" in kind:
        return
    read, _ = read_folder(tmp_path, classes=OWN, numbers=Numbers.OBJECTS)
    assert np.array_equal(read["a"].labels > 0, AREA)
    assert np.array_equal(read["a"].instances, IDS)
    assert len(np.unique(read["a"].labels)) == 2


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.int32, np.float32])
def test_few_small_numbers_of_many_bits_are_asked_about(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", IDS.astype(dtype))
    assert not find_masks([tmp_path]).reading.is_sure
    Image.fromarray(IDS).save(tmp_path / "a.png")
    (tmp_path / "a.tif").unlink()
    assert find_masks([tmp_path]).reading.is_sure


def test_many_numbers_are_objects_whatever_the_bits(tmp_path):
    cells = np.zeros(SHAPE, np.uint8)
    for number in range(1, 31):
        row, col = divmod(number - 1, 10)
        cells[row * 12 + 2 : row * 12 + 8, col * 6 : col * 6 + 4] = number
    png(cells)(tmp_path / "a")
    read, found = read_folder(tmp_path)
    assert read["a"].classes.names == ("background", "object")
    assert read["a"].instances.max() == 30
    assert not found.reading.is_sure
    read, _ = read_folder(tmp_path, numbers=Numbers.CLASSES)
    assert len(read["a"].classes) == 31
    cells = cells.astype(np.uint16) * 30
    png(cells)(tmp_path / "a")
    read, found = read_folder(tmp_path)
    assert read["a"].instances.max() == 900
    assert found.reading.is_sure


def soft():
    small = cv2.resize(WHITE, (30, 20), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (60, 40), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("kind", ["grey", "RGB", "share", "deep"])
def test_soft_edges_are_cut_and_the_clean_masks_beside_stay_as_they_are(tmp_path, kind):
    png(WHITE)(tmp_path / "a")
    png(WHITE)(tmp_path / "b")
    make = {
        "grey": png(soft()),
        "RGB": pil(soft(), "RGB"),
        "share": tif(soft().astype(np.float32) / 255),
        "deep": png(soft().astype(np.uint16) * 257),
    }[kind]
    make(tmp_path / "c")
    read, _ = read_folder(tmp_path, "abc")
    assert all(np.array_equal(read[name].labels, AREA) for name in "ab")
    assert np.count_nonzero(read["c"].labels != AREA) < 20
    assert read["c"].classes.names == ("background", "object")
    assert any("cut at one half" in note for note in read["c"].notes)


def test_greys_that_a_jpeg_has_blurred_are_no_soft_edges(tmp_path):
    pil(IDS * np.uint8(100), "L", ".jpg", quality=60)(tmp_path / "a")
    with pytest.raises(MaskError, match="many shades"):
        read_folder(tmp_path)


def test_one_picture_among_masks_changes_nothing_and_is_refused(tmp_path):
    for name in "ab":
        png(WHITE)(tmp_path / name)
    rng = np.random.default_rng(0)
    png(rng.integers(0, 256, SHAPE).astype(np.uint8))(tmp_path / "c")
    png(rng.integers(0, 256, (*SHAPE, 3)).astype(np.uint8))(tmp_path / "d")
    found = find_masks([tmp_path])
    assert found.reading.is_white_object
    for candidate in found.candidates[2:]:
        with pytest.raises(MaskError, match="picture"):
            candidate.read(ImportContext(SHAPE, BARE, reading=found.reading))
    read, _ = read_folder(tmp_path, "ab")
    assert all(np.array_equal(read[name].labels, AREA) for name in "ab")


def test_one_mask_of_numbers_does_not_turn_white_into_void_nor_the_other_way(tmp_path):
    for name in "abc":
        png(WHITE)(tmp_path / name)
    png(np.where(IDS == 2, np.uint8(255), IDS))(tmp_path / "d")
    read, _ = read_folder(tmp_path, "abcd")
    assert all(np.array_equal(read[name].labels > 0, AREA) for name in "abc")
    assert not any((read[name].labels == UNLABELLED).any() for name in "abc")
    for name in "abc":
        png(np.where(IDS == 2, np.uint8(255), IDS))(tmp_path / name)
    png(WHITE)(tmp_path / "d")
    read, _ = read_folder(tmp_path, "abcd")
    assert all(np.array_equal(read[name].labels == UNLABELLED, IDS == 2) for name in "abc")
    assert np.array_equal(read["d"].labels == UNLABELLED, AREA)
    assert any("not labelled" in note for note in read["d"].notes)


def test_empty_and_full_masks_follow_the_others(tmp_path):
    png(WHITE)(tmp_path / "a")
    png(np.full_like(WHITE, 255))(tmp_path / "b")
    png(np.zeros_like(WHITE))(tmp_path / "c")
    read, _ = read_folder(tmp_path, "abc")
    assert read["b"].labels.all()
    assert not (read["b"].labels == UNLABELLED).any()
    assert not read["c"].labels.any()


def test_a_grey_between_black_and_white_is_the_zone_that_nobody_knows(tmp_path):
    png(np.array([0, 255, 128], np.uint8)[IDS])(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    assert np.array_equal(read["a"].labels, np.array([0, 1, UNLABELLED])[IDS])


def test_greys_that_were_chosen_to_be_seen_are_few_classes(tmp_path):
    png(np.array([0, 85, 170], np.uint8)[IDS] + np.uint8(85) * (IDS == 2))(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    assert read["a"].classes.names == ("background", "grey 85", "grey 255")
    assert np.array_equal(read["a"].labels, IDS)


COLOURS = np.array([(0, 0, 0), (250, 50, 83), (61, 61, 245)], np.uint8)


def test_colours_become_classes_of_these_colours(tmp_path):
    png(COLOURS[IDS])(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    mask = read["a"]
    assert [mask.classes[number].colour for number in np.unique(mask.labels)[1:]] == ["#3d3df5", "#fa3253"]
    assert np.array_equal(mask.labels == 0, IDS == 0)
    assert len(np.unique(mask.labels[IDS == 1])) == len(np.unique(mask.labels[IDS == 2])) == 1


def test_transparent_pixels_are_unlabelled_and_paint_is_classes(tmp_path):
    paint = np.zeros((*SHAPE, 4), np.uint8)
    paint[IDS == 1] = (255, 0, 0, 180)
    paint[IDS == 2] = (0, 255, 0, 180)
    png(paint)(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    mask = read["a"]
    assert np.array_equal(mask.labels == UNLABELLED, IDS == 0)
    assert len(mask.classes) == 3
    assert len(np.unique(mask.labels[AREA])) == 2


def test_transparent_pixels_of_black_and_white_are_unlabelled(tmp_path):
    paint = np.dstack([WHITE, WHITE, WHITE, np.full_like(WHITE, 255)])
    paint[:, 55:, 3] = 0
    png(paint)(tmp_path / "a")
    Image.fromarray(paint).convert("LA").save(tmp_path / "b.png")
    read, _ = read_folder(tmp_path, "ab")
    for mask in read.values():
        assert (mask.labels[:, 55:] == UNLABELLED).all()
        assert np.array_equal(mask.labels[:, :55], AREA[:, :55])


def test_deep_colours_keep_their_values(tmp_path):
    cv(np.ascontiguousarray(COLOURS[IDS][:, :, ::-1]).astype(np.uint16) * 257)(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    assert {entry.colour for entry in read["a"].classes} >= {"#fa3253", "#3d3df5"}
    deep = np.dstack([IDS.astype(np.uint16) * 1000, IDS.astype(np.uint16), IDS.astype(np.uint16)])
    cv(deep)(tmp_path / "a")
    with pytest.raises(MaskError, match="more than 8 bits per colour"):
        read_folder(tmp_path)


def test_a_palette_in_any_order_means_its_colours(tmp_path):
    colours = [(250, 50, 83), (61, 61, 245), (0, 0, 0)]
    palette(np.array([2, 0, 1], np.uint8)[IDS], colours)(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    mask = read["a"]
    assert np.array_equal(mask.labels == 0, IDS == 0), "black is the background, wherever it stands"
    assert {mask.classes[int(value)].colour for value in np.unique(mask.labels[AREA])} == {
        "#fa3253",
        "#3d3df5",
    }
    palette(np.array([0, 1, 255], np.uint8)[IDS], [*colours[:2], *[(0, 0, 0)] * 254])(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    assert sorted(np.unique(read["a"].labels)) == [0, 1, UNLABELLED], "void of a palette is no background"


def test_white_all_over_says_nothing_and_an_array_of_channels_says_so(tmp_path):
    png(np.full_like(WHITE, 255))(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    assert (read["a"].labels == UNLABELLED).all()
    assert any("white all over" in note for note in read["a"].notes)
    np.save(tmp_path / "b.npy", np.eye(3, dtype=np.uint8)[IDS])
    with pytest.raises(MaskError, match="3 values per pixel"):
        import_mask(tmp_path / "b.npy", ImportContext(SHAPE, BARE))


def test_voc_borders_are_void_in_a_palette(tmp_path):
    indices = IDS.copy()
    indices[4:16, 4] = 255
    colours = np.zeros((256, 3), np.uint8)
    colours[1:3] = (128, 0, 0), (0, 128, 0)
    colours[255] = (224, 224, 192)
    palette(indices, colours)(tmp_path / "a")
    palette(np.where(AREA, np.uint8(255), np.uint8(0)), colours)(tmp_path / "b")
    read, _ = read_folder(tmp_path, "ab")
    assert (read["a"].labels[4:16, 4] == UNLABELLED).all()
    assert np.array_equal(read["b"].labels == UNLABELLED, AREA), "the void of a palette stays void"


WRONG = {
    "negative TIFF": (tif(IDS.astype(np.int32) - 1), "negative"),
    "negative array": (npy(IDS.astype(np.int8) - 1), "negative"),
    "negative archive": (npz(labels=IDS.astype(np.int16) - 1), "negative"),
    "NaN in an archive": (npz(labels=np.where(AREA, np.nan, 0.0)), "not numbers"),
    "NaN in a TIFF": (tif(np.where(AREA, np.nan, 0).astype(np.float32)), "not numbers"),
    "infinite": (npy(np.where(AREA, np.inf, 0.0)), "not numbers"),
    "fractions": (npz(labels=IDS * 1.5), "fractions"),
    "far too large": (npy(IDS.astype(np.int64) * 2**40), "above 2"),
    "letters": (npy(IDS.astype("U1")), "whole numbers"),
    "two bands": (tif(np.dstack([IDS, IDS]), photometric="minisblack", planarconfig="contig"), "per pixel"),
    "no array of the size": (npz(one=IDS[:5], two=IDS[:6]), "not clear which"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_numbers_that_nothing_can_have_are_refused_and_never_changed(tmp_path, kind):
    make, said = WRONG[kind]
    make(tmp_path / "a")
    (path,) = tmp_path.iterdir()
    with pytest.raises(MaskError, match=said):
        import_mask(path, ImportContext(SHAPE, OWN))


def test_five_hundred_cells_of_an_archive_are_all_there(tmp_path):
    cells = np.arange(SHAPE[0] * SHAPE[1], dtype=np.int32).reshape(SHAPE) // 4
    npz(labels=cells)(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    assert np.array_equal(read["a"].instances, cells)
    assert read["a"].classes.names == ("background", "object")


def test_parts_of_an_archive_that_do_not_fit_are_left_out_and_said(tmp_path):
    bad = {"instances": IDS[:5], "provenance": IDS.astype(np.float64) - np.nan}
    npz(labels=IDS, class_names=np.array(OWN.names), **bad)(tmp_path / "a")
    read, _ = read_folder(tmp_path, classes=OWN)
    assert np.array_equal(read["a"].labels, IDS)
    assert read["a"].instances is None
    assert read["a"].provenance is None
    assert {note.split(" ", 3)[1] for note in read["a"].notes} >= {"object", "provenance"}
    bad = {"instances": IDS.astype(np.int64) * 2**33, "provenance": IDS * np.uint8(100)}
    npz(labels=IDS, class_names=np.array(OWN.names), **bad)(tmp_path / "a")
    read, _ = read_folder(tmp_path, classes=OWN)
    assert read["a"].instances is None
    assert read["a"].provenance is None


def test_class_ids_without_a_class_get_one_and_it_is_said(tmp_path):
    npz(labels=IDS * np.uint8(7), class_names=np.array(["background", "leaf"]))(tmp_path / "a")
    read, _ = read_folder(tmp_path, classes=OWN)
    assert read["a"].classes.names[3:] == ("class 7", "class 14")
    assert int(read["a"].labels.max()) < len(read["a"].classes)
    assert any("no names for these class numbers: 7, 14" in note for note in read["a"].notes)


def test_a_pickle_is_never_opened_and_its_picture_is_taken(tmp_path):
    np.save(tmp_path / "a_seg.npy", {"masks": IDS}, allow_pickle=True)
    with pytest.raises(MaskError, match="Python objects"):
        import_mask(tmp_path / "a_seg.npy", ImportContext(SHAPE, BARE))
    cv2.imwrite(str(tmp_path / "a_cp_masks.png"), IDS.astype(np.uint16))
    read, found = read_folder(tmp_path)
    assert np.array_equal(read["a"].instances, IDS), "the name says that they are objects"
    assert found.reading.is_sure


def test_a_nodata_value_is_unlabelled(tmp_path):
    values = np.where(IDS == 2, np.float32(-9999), IDS.astype(np.float32))
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(42113, "s", 0, "-9999", True)])
    read, _ = read_folder(tmp_path, classes=OWN)
    assert np.array_equal(read["a"].labels, np.array([0, 1, UNLABELLED])[IDS])


def test_only_the_first_page_is_read_and_that_is_said(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([IDS, IDS[::-1]]), photometric="minisblack")
    read, _ = read_folder(tmp_path, classes=OWN)
    assert np.array_equal(read["a"].labels, IDS)
    assert "Only the first of 2 pages was read." in read["a"].notes


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("shape", [SHAPE, (50, 50)])
def test_a_mask_from_before_the_image_was_turned_is_turned_with_it(tmp_path, orientation, shape):
    stored = np.zeros(shape, np.uint8)
    stored[3:9, 5:30] = 1
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(np.dstack([stored * 200] * 3)).save(tmp_path / "a.png", exif=exif)
    record = read_image(tmp_path / "a.png")
    (tmp_path / "masks").mkdir()
    png(stored)(tmp_path / "masks" / "a")
    shapes = {"imageHeight": shape[0], "imageWidth": shape[1], "imagePath": "a.png"}
    box = {"label": "leaf", "points": [[5, 3], [30, 3], [30, 9], [5, 9]]}
    (tmp_path / "masks" / "b.json").write_text(json.dumps({**shapes, "shapes": [box]}))
    is_doubtful = record.shape == shape
    context = ImportContext(record.shape, OWN, orientation=orientation, is_turned=is_doubtful)
    for name in ("a.png", "b.json"):
        mask = import_mask(tmp_path / "masks" / name, context)
        assert np.array_equal(mask.labels == 1, record.pixels[:, :, 0] > 100)
        assert any("turned" in note for note in mask.notes)
    if is_doubtful:
        plain = ImportContext(record.shape, OWN, orientation=orientation)
        assert np.array_equal(import_mask(tmp_path / "masks" / "a.png", plain).labels, stored)


def test_a_mask_that_would_decode_to_gigabytes_is_refused(tmp_path):
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (40_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    (tmp_path / "a.png").write_bytes(bomb)
    found = find_masks([tmp_path])
    with pytest.raises(MaskError, match="40000 x 40000"):
        found.candidates[0].read(ImportContext(SHAPE, BARE))


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_a_colour_that_only_the_second_mask_has_is_a_class_too(tmp_path, suffix):
    colours = np.array([[0, 0, 0], [250, 50, 83], [61, 61, 245]], np.uint8)
    pil(colours[IDS * (IDS == 1)], "RGB", suffix)(tmp_path / "a")
    pil(colours[IDS], "RGB", suffix)(tmp_path / "b")
    read, _ = read_folder(tmp_path, "ab")
    assert len(read["b"].classes) == 3
    for place in ((10, 15), (27, 40)):
        assert read["b"].labels[place] not in (0, UNLABELLED)
    assert read["b"].labels[10, 15] == read["a"].labels[10, 15]


def test_colours_that_a_jpeg_has_blurred_are_those_that_were_painted(tmp_path):
    painted = np.array([[0, 0, 0], [250, 50, 83], [61, 61, 245]], np.uint8)[IDS]
    pil(painted, "RGB", ".jpg", quality=90)(tmp_path / "a")
    read, _ = read_folder(tmp_path)
    mask = read["a"]
    assert len(mask.classes) == 3
    assert np.count_nonzero((mask.labels > 0) != AREA) < 90
    assert len(np.unique(mask.labels[7:13, 8:22])) == len(np.unique(mask.labels[23:32, 33:47])) == 1
    assert any("blurred" in note for note in mask.notes)
    noise = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    pil(noise, "RGB", ".jpg")(tmp_path / "a")
    with pytest.raises(MaskError):
        read_folder(tmp_path)
