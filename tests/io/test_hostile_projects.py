"""Projects and journals that were made to do harm, or damaged by accident: refused soon, and said."""

import hashlib
import io
import json
import os
import resource
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.layers import Delta
from latentseg_gui.document.project.changes import ClassesChange, MaskChange
from latentseg_gui.document.types import UNLABELLED, Rect
from latentseg_gui.io.project import locating
from latentseg_gui.io.project.journal import Journal, JournalHeader, read_journal_file
from latentseg_gui.io.project.manifest import ProjectError
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import save_project
from tests.io.project_helpers import SHAPE, document_of, paint, photos, state


@pytest.fixture
def folder(tmp_path):
    """A saved project with two images, the first of which has a mask."""
    document = document_of(photos(tmp_path / "photos"))
    paint(document, 0, seed=1)
    save_project(document, tmp_path / "work").close()
    return tmp_path / "work"


def manifest_of(folder):
    return json.loads((folder / "project.json").read_text())


def write_manifest(folder, content):
    (folder / "project.json").write_text(json.dumps(content))


def stroke(document, image_id, class_id):
    """A change that paints a few pixels."""
    rect = Rect(2, 3, 5, 9)
    labels = np.full(rect.shape, UNLABELLED ^ class_id, np.uint8)
    return MaskChange.of(image_id, [Delta(rect, labels, np.full(rect.shape, 3, np.uint8))])


def journal(folder, base, previous, changes=1, class_id=1):
    """A journal with some changes of the second image."""
    manifest = manifest_of(folder)
    document = document_of([Path(manifest["images"][number]["absolute"]) for number in range(2)])
    path = folder / f"journal-{base}.log"
    written = Journal(path, folder, JournalHeader(manifest["project"], base, previous))
    for _ in range(changes):
        change = stroke(document, document.images.ids[1], class_id)
        change.apply(document)
        written.append(change, document)
    written.close()
    return path


def seconds_to_open(folder):
    began = time.process_time()
    opened = open_project(folder)
    return time.process_time() - began, opened


# Journals


def test_journals_that_share_a_predecessor_take_linear_time(folder):
    save = manifest_of(folder)["save"]
    data = journal(folder, "one", save).read_bytes()
    (folder / "journal-one.log").unlink()
    for number in range(60):
        base = f"{number:032x}"
        journal(folder, base, save, changes=0)
    assert data
    last = journal(folder, "f" * 32, f"{59:032x}", changes=3)
    seconds, opened = seconds_to_open(folder)
    assert seconds < 3
    assert opened.recovery.count == 3
    opened.recovery.restore(opened.document)
    opened.session.abandon()
    assert last.exists()


def test_journals_of_the_same_save_and_in_circles_end(folder):
    save = manifest_of(folder)["save"]
    first = journal(folder, "a", save, changes=2)
    for number in range(20):
        (folder / f"journal-copy{number}.log").write_bytes(first.read_bytes())
    journal(folder, "b", "c")
    journal(folder, "c", "b")
    journal(folder, save, save)
    seconds, opened = seconds_to_open(folder)
    assert seconds < 3
    assert opened.recovery.count == 3, "its own, and the longest that follows"
    assert any("set aside" in notice for notice in opened.notices)
    opened.session.abandon()


def test_fifteen_hundred_journals_in_a_row_are_recovered(folder):
    previous = manifest_of(folder)["save"]
    template = journal(folder, "f" * 32, previous, changes=0).read_bytes()
    (folder / f"journal-{'f' * 32}.log").unlink()
    assert template
    manifest = manifest_of(folder)
    for number in range(1500):
        base = f"{number:032x}"
        path = folder / f"journal-{base}.log"
        Journal(path, folder, JournalHeader(manifest["project"], base, previous)).close()
        previous = base
    journal(folder, "e" * 32, previous, changes=2)
    seconds, opened = seconds_to_open(folder)
    assert seconds < 20
    assert opened.recovery.count == 2
    opened.session.abandon()


@pytest.mark.parametrize("kind", ["zeros", "record of zeros", "longer than it is", "record that lies"])
def test_a_journal_of_absurd_size_is_refused_without_reading_it(folder, kind):
    path = journal(folder, manifest_of(folder)["save"], "none", changes=2)
    whole = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(whole)
        if kind == "record of zeros":
            file.write(struct.pack("<4sIII", b"LSj1", 2**30, 0, 3) + struct.pack("<I", 0))
        elif kind == "longer than it is":
            file.write(struct.pack("<4sIII", b"LSj1", 2**32 - 1, 0, 3))
        elif kind == "record that lies":
            text = json.dumps({"kind": "mask", "image": "image-2", "rects": [], "instances": False}).encode()
            file.write(struct.pack("<4sIII", b"LSj1", 2**28, 0, 3) + struct.pack("<I", len(text)) + text)
        file.truncate(4 * 2**30)
    tracemalloc.start()
    began = time.process_time()
    contents = read_journal_file(path)
    seconds, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 3
    assert peak < 100 * 2**20
    assert (len(contents.records), contents.good_bytes, contents.is_damaged) == (3, whole, True)


def test_more_bytes_than_pixels_can_have_are_no_change(folder):
    path = journal(folder, manifest_of(folder)["save"], "none", changes=1)
    text = json.dumps(
        {"kind": "mask", "image": "image-2", "rects": [[0, 0, 1, 1]], "instances": False}
    ).encode()
    payload = struct.pack("<I", len(text)) + text + bytes(2**22)
    checksum = zlib.crc32(payload, zlib.crc32(struct.pack("<I", 3)))
    with open(path, "ab") as file:
        file.write(struct.pack("<4sIII", b"LSj1", len(payload), checksum, 3) + payload)
    contents = read_journal_file(path)
    assert len(contents.records) == 2
    assert contents.is_damaged


def test_a_manifest_that_is_no_file_is_not_waited_for(folder):
    (folder / "project.json").unlink()
    os.mkfifo(folder / "project.json")
    with pytest.raises(ProjectError, match="no project"):
        open_project(folder)


@pytest.mark.parametrize("name", ["fifo", "device"])
def test_a_journal_that_is_no_file_is_not_read(folder, name):
    path = folder / "journal-strange.log"
    if name == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    opened = open_project(folder)
    assert opened.recovery is None
    opened.session.close()


@pytest.mark.parametrize("side", [20_000, 60_000, 2**31 - 1])
def test_an_image_of_absurd_size_in_a_journal_takes_no_memory(folder, tmp_path, side):
    manifest = manifest_of(folder)
    document = Document()
    (image_id,) = document.images.add_paths([Path(manifest["images"][1]["absolute"])])
    document.masks.expect_shape(image_id, (side, side))
    path = folder / f"journal-{manifest['save']}.log"
    written = Journal(path, folder, JournalHeader(manifest["project"], manifest["save"], "none"))
    written._introduce(image_id, document)
    rect = Rect(side - 1, side - 1, side, side)
    one = np.ones((1, 1), np.uint8)
    written.append(MaskChange.of(image_id, [Delta(rect, one, one)]), document)
    written.close()
    content = {**manifest, "images": []}
    write_manifest(folder, content)
    opened = open_project(folder)
    tracemalloc.start()
    opened.recovery.restore(opened.document)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 2**20
    assert opened.document.images.ids == ()
    assert list(folder.glob("*.bad")), "put aside, not thrown away"
    opened.session.close()


# Classes


def test_labels_of_a_mask_without_a_class_are_said_and_unlabelled(folder):
    content = manifest_of(folder)
    document = Document(ClassTable.from_names([f"c{number}" for number in range(9)]))
    names = [entry["absolute"] for entry in content["images"]]
    for name in names:
        document.masks.expect_shape(document.images.add_path(Path(name)), SHAPE)
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:9, 4:20] = 7
    document.masks.load(document.images.ids[0], labels, np.full_like(labels, 3))
    other = folder.with_name("other")
    save_project(document, other).close()
    wrong = manifest_of(other)
    write_manifest(other, {**wrong, "classes": wrong["classes"][:3]})
    before = {path.name: path.read_bytes() for path in (other / "masks").iterdir()}
    opened = open_project(other)
    assert any("(7)" in notice and "photo 0" in notice for notice in opened.notices)
    image_id = opened.document.images.ids[0]
    assert set(np.unique(opened.document.masks.labels(image_id))) == {0, UNLABELLED}
    assert opened.document.masks.layer(image_id).num_labelled == int((labels == 0).sum())
    save_project(opened.document, other, opened.session)
    opened.session.close()
    assert {path.name: path.read_bytes() for path in (other / "masks").iterdir()} == before, "nothing is lost"


@pytest.mark.parametrize("class_id", [3, 100, 254])
def test_labels_of_a_journal_without_a_class_are_said_and_unlabelled(folder, class_id):
    journal(folder, manifest_of(folder)["save"], "none", class_id=class_id)
    opened = open_project(folder)
    opened.recovery.restore(opened.document)
    assert any(f"({class_id})" in notice for notice in opened.recovery.notices)
    for image_id in opened.document.images.ids:
        labels = np.unique(opened.document.masks.labels(image_id))
        assert all(number < len(opened.document.classes) or number == UNLABELLED for number in labels)
    assert opened.document.masks.layer(opened.document.images.ids[1]).num_labelled == 0
    opened.session.close()


def test_a_journal_with_fewer_classes_leaves_no_label_behind(folder, tmp_path):
    opened = open_project(folder)
    document, image_id = opened.document, opened.document.images.ids[0]
    labels = np.full(SHAPE, 2, np.uint8)
    document.masks.load(image_id, labels, labels)
    save_project(document, folder, opened.session)
    fewer = ClassesChange(ClassTable.from_names(("background",)))
    opened.session.record([fewer], document)
    opened.session.abandon()
    again = open_project(folder)
    again.recovery.restore(again.document)
    assert len(again.document.classes) == 1
    assert np.unique(again.document.masks.labels(image_id)).tolist() == [UNLABELLED]
    assert any("(2)" in notice for notice in again.recovery.notices)
    again.session.close()


# Numbers of masks


def png16(values):
    buffer = io.BytesIO()
    Image.frombytes("I;16", values.shape[::-1], values.astype("<u2").tobytes()).save(buffer, "PNG")
    return buffer.getvalue(), "png"


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue(), "tif"


def with_mask_file(folder, plane, data, suffix):
    """The project with another file for a plane of the mask of its first image."""
    name = f"{hashlib.sha256(data).hexdigest()}.{suffix}"
    (folder / "masks" / name).write_bytes(data)
    content = manifest_of(folder)
    content["images"][0]["mask"][plane] = name
    write_manifest(folder, content)


WRONG = {
    "16 bit": lambda: png16(np.full(SHAPE, 300)),
    "16 bit, one pixel": lambda: png16(np.where(np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE) == 7, 256, 1)),
    "negative": lambda: tiff(np.full(SHAPE, -1, np.int8)),
    "not a number": lambda: tiff(np.full(SHAPE, np.nan, np.float32)),
    "fractions": lambda: tiff(np.full(SHAPE, 1.5, np.float32)),
    "large": lambda: tiff(np.full(SHAPE, 2**40 + 1, np.int64)),
    "huge": lambda: tiff(np.full(SHAPE, 2**63, np.uint64)),
}


@pytest.mark.parametrize("plane", ["labels", "provenance"])
@pytest.mark.parametrize("kind", WRONG)
def test_numbers_that_a_mask_cannot_have_never_become_others(folder, kind, plane):
    with_mask_file(folder, plane, *WRONG[kind]())
    opened = open_project(folder)
    assert any("damaged" in notice and "photo 0" in notice for notice in opened.notices)
    with pytest.raises(ProjectError, match="damaged"):
        opened.document.masks.labels(opened.document.images.ids[0])
    mask = manifest_of(folder)["images"][0]["mask"]
    paint(opened.document, 1, seed=4)
    save_project(opened.document, folder, opened.session)
    assert manifest_of(folder)["images"][0]["mask"] == mask
    left = {path.name for path in (folder / "masks").iterdir()}
    assert {mask["labels"], mask["provenance"]} <= left, "it may be repaired"
    opened.session.close()


@pytest.mark.parametrize(
    "values",
    [
        np.full(SHAPE, 2**32, np.int64),
        np.full(SHAPE, -1, np.int32),
        np.full(SHAPE, np.inf, np.float64),
        np.full(SHAPE, 2**63, np.uint64),
    ],
)
def test_object_numbers_beyond_what_is_kept_are_refused(folder, values):
    with_mask_file(folder, "instances", *tiff(values))
    opened = open_project(folder)
    with pytest.raises(ProjectError, match="damaged"):
        opened.document.masks.labels(opened.document.images.ids[0])
    opened.session.close()


def test_the_largest_numbers_are_kept_exactly(tmp_path):
    document = document_of(photos(tmp_path / "photos", 1))
    numbers = np.arange(SHAPE[0] * SHAPE[1], dtype=np.uint32).reshape(SHAPE) + np.uint32(2**32 - 2400)
    labels = np.ones(SHAPE, np.uint8)
    document.masks.load(document.images.ids[0], labels, labels, numbers)
    save_project(document, tmp_path / "work").close()
    opened = open_project(tmp_path / "work")
    assert state(opened.document) == state(document)
    opened.session.close()


# Bombs


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("side", [4000, 20_000, 40_000])
def test_a_mask_larger_than_its_image_is_not_decoded(folder, side, is_told):
    row = zlib.compressobj(9)
    data = b"".join([row.compress(bytes(side + 1)) for _ in range(side)] + [row.flush()])
    header = struct.pack(">IIBBBBB", side, side, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", bytes(768)), (b"IDAT", data), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in chunks
    )
    for plane in ("labels", "provenance"):
        with_mask_file(folder, plane, png, "png")
    content = manifest_of(folder)
    content["images"][0] |= {"width": side, "height": side}
    content["images"][0]["mask"]["labelled"] = side if is_told else None
    write_manifest(folder, content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, opened = seconds_to_open(folder)
    with pytest.raises(ProjectError, match="damaged"):
        opened.document.masks.labels(opened.document.images.ids[0])
    assert seconds < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert any("damaged" in notice for notice in opened.notices)
    opened.session.close()


def test_a_strip_of_object_numbers_gives_no_more_than_its_rows(folder):
    packed = zlib.compress(bytes(2**30), 9)
    data = bytearray(tiff(np.zeros(SHAPE, np.uint32), compression="zlib", rowsperstrip=SHAPE[0])[0])
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        tags = file.pages.first.tags
        offsets, counts = tags["StripOffsets"], tags["StripByteCounts"]
        places = [tag.valueoffset for tag in (offsets, counts)]
        kinds = [
            tag.dtype_name if hasattr(tag, "dtype_name") else tag.dtype.name for tag in (offsets, counts)
        ]
    at = len(data)
    data += packed
    for place, kind, value in zip(places, kinds, (at, len(packed)), strict=True):
        code = {"SHORT": "<H", "LONG": "<I"}[kind]
        data[place : place + struct.calcsize(code)] = struct.pack(code, value)
    with_mask_file(folder, "instances", bytes(data), "tif")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    opened = open_project(folder)
    with pytest.raises(ProjectError, match="damaged"):
        opened.document.masks.labels(opened.document.images.ids[0])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    opened.session.close()


# Places


@pytest.mark.parametrize(
    "name",
    ["//server/share/x.png", "\\\\server\\share\\x.png", "\\\\?\\UNC\\server\\share\\x.png", "/\\s/t/x.png"],
)
@pytest.mark.parametrize("key", ["path", "absolute"])
def test_a_name_of_a_network_is_never_touched(folder, monkeypatch, key, name):
    content = manifest_of(folder)
    places = {"path": None, "absolute": None, key: name}
    content["images"][0] |= places
    write_manifest(folder, content)
    touched = []
    for call in ("is_file", "stat"):
        before = getattr(Path, call)
        monkeypatch.setattr(
            Path,
            call,
            lambda self, *a, before=before, **k: touched.append(str(self)) or before(self, *a, **k),
        )
    opened = open_project(folder)
    if key == "path" or os.path.isabs(name):
        assert any("another computer" in notice for notice in opened.notices)
    assert not [each for each in touched if "server" in each or each.startswith("/\\s")]
    paint(opened.document, 0, seed=9)
    save_project(opened.document, folder, opened.session)
    opened.session.close()
    assert {key: manifest_of(folder)["images"][0][key] for key in places} == places, "what was said is kept"


def test_what_is_no_image_is_not_read(folder, tmp_path, monkeypatch):
    secret = tmp_path / "passwd"
    secret.write_text("root:x:0:0")
    content = manifest_of(folder)
    content["images"][0] |= {"path": str(secret), "absolute": str(secret), "size": 10, "mtime_ns": 1}
    write_manifest(folder, content)
    read = []
    monkeypatch.setattr(locating, "hash_of", lambda path: read.append(path) or "")
    opened = open_project(folder)
    assert read == []
    opened.session.close()


def test_an_endless_file_is_not_hashed_when_the_project_is_saved(folder):
    content = manifest_of(folder)
    content["images"][0] |= {"path": "/dev/zero", "absolute": None, "sha256": None, "size": None}
    write_manifest(folder, content)
    opened = open_project(folder)
    paint(opened.document, 0, seed=9)
    save_project(opened.document, folder, opened.session)
    opened.session.close()


# What a save may and may not remove


@pytest.mark.parametrize("plane", ["labels", "provenance", "instances"])
def test_no_file_of_a_damaged_mask_is_removed_by_the_next_save(tmp_path, plane):
    document = document_of(photos(tmp_path / "photos"))
    numbers = np.arange(SHAPE[0] * SHAPE[1], dtype=np.uint32).reshape(SHAPE)
    labels = np.ones(SHAPE, np.uint8)
    document.masks.load(document.images.ids[0], labels, np.full_like(labels, 3), numbers)
    folder = tmp_path / "work"
    save_project(document, folder).close()
    mask = manifest_of(folder)["images"][0]["mask"]
    damaged = folder / "masks" / mask[plane]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    opened = open_project(folder)
    paint(opened.document, 1, seed=4)
    save_project(opened.document, folder, opened.session)
    opened.session.close()
    damaged.write_bytes(whole)
    again = open_project(folder)
    kept = again.document.masks.instances(again.document.images.ids[0])
    assert np.array_equal(kept, numbers), "repaired, it is what it was"
    again.session.close()


@pytest.mark.parametrize("plane", ["labels", "provenance", "instances"])
def test_files_of_a_damaged_mask_stay_when_it_is_painted_anew(tmp_path, plane):
    document = document_of(photos(tmp_path / "photos"))
    numbers = np.arange(SHAPE[0] * SHAPE[1], dtype=np.uint32).reshape(SHAPE)
    labels = np.ones(SHAPE, np.uint8)
    document.masks.load(document.images.ids[0], labels, np.full_like(labels, 3), numbers)
    folder = tmp_path / "work"
    save_project(document, folder).close()
    mask = manifest_of(folder)["images"][0]["mask"]
    (folder / "masks" / mask[plane]).write_bytes(b"damaged")
    opened = open_project(folder)
    opened.document.masks.expect_shape(opened.document.images.ids[0], SHAPE)
    paint(opened.document, 0, seed=4)
    save_project(opened.document, folder, opened.session)
    opened.session.close()
    assert manifest_of(folder)["images"][0]["mask"]["labels"] != mask["labels"]
    left = {path.name for path in (folder / "masks").iterdir()}
    assert {mask["labels"], mask["provenance"], mask["instances"]} <= left, "they may be repaired"


def test_journals_that_a_save_holds_are_removed_and_never_offered(folder):
    save = manifest_of(folder)["save"]
    path = journal(folder, save, "none", changes=2)
    content = manifest_of(folder)
    write_manifest(folder, {**content, "save": "later", "holds": [save]})
    opened = open_project(folder)
    assert opened.recovery is None
    assert not path.exists()
    assert opened.notices == ()
    opened.session.close()


def test_parts_that_overlap_are_not_applied(folder):
    manifest = manifest_of(folder)
    document = document_of([Path(entry["absolute"]) for entry in manifest["images"]])
    path = folder / f"journal-{manifest['save']}.log"
    written = Journal(path, folder, JournalHeader(manifest["project"], manifest["save"], "none"))
    half = Rect(0, 0, SHAPE[0], SHAPE[1] // 2 + 1)
    deltas = [Delta(half, np.ones(half.shape, np.uint8), np.ones(half.shape, np.uint8)) for _ in range(2)]
    written.append(MaskChange.of(document.images.ids[1], deltas), document)
    written.close()
    opened = open_project(folder)
    before = opened.document.masks.labels(opened.document.images.ids[1]).copy()
    applied = opened.recovery.restore(opened.document)
    assert applied == 1, "the note of the image, and nothing else"
    assert np.array_equal(opened.document.masks.labels(opened.document.images.ids[1]), before)
    assert list(folder.glob("*.bad"))
    opened.session.close()
