import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.classes import move_class
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.parts.entries import ImageStatus
from latentseg_gui.io import storage
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.lock import ProjectLock
from latentseg_gui.io.project import locating
from latentseg_gui.io.project import manifest as project_file
from latentseg_gui.io.project.manifest import NewerProjectError, ProjectError
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import create_project, save_project
from latentseg_gui.io.storage import StorageError
from tests.io.faulty_disk import CountingDisk, FailingDisk
from tests.io.project_helpers import document_of, paint, photos, state

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def document(tmp_path):
    document = document_of(photos(tmp_path / "photos"))
    paint(document, 0, seed=1)
    paint(document, 1, seed=2, instance=7)
    return document


def saved(document, folder):
    session = save_project(document, folder)
    session.close()
    return folder


def reopened(folder, **options):
    opened = open_project(folder, **options)
    opened.session.close()
    return opened


def manifest_of(folder):
    return json.loads((folder / "project.json").read_text())


def test_a_saved_project_opens_as_it_was(tmp_path, document):
    table = document.classes.replaced(1, name="Wurzel 🙂", is_locked=True, is_visible=False)
    document.set_classes(table.replaced(2, is_thing=False, smallest=77))
    session = save_project(document, tmp_path / "work", settings={"opacity": 0.5})
    assert not document.is_dirty
    session.close()
    opened = reopened(tmp_path / "work")
    assert state(opened.document) == state(document)
    assert not opened.document.is_dirty
    assert (opened.missing, opened.notices, opened.recovery) == ((), (), None)
    assert opened.session.manifest.settings == {"opacity": 0.5}
    assert [opened.document.images.status(key) for key in opened.document.images.ids] == [
        ImageStatus.CORRECTED
    ] * 2
    assert opened.document.images.add_path(tmp_path / "new.png") not in document.images.ids


def test_the_folder_can_be_read_by_a_person(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    content = manifest_of(folder)
    assert content["schema"] == 2
    assert [entry["name"] for entry in content["classes"]] == ["background", "object", "leaf"]
    first = content["images"][0]
    assert first["path"] == "../photos/photo 0 ü.png"
    assert first["sha256"] == hashlib.sha256((tmp_path / "photos" / "photo 0 ü.png").read_bytes()).hexdigest()
    with Image.open(folder / "masks" / first["mask"]["labels"]) as mask:
        assert np.array_equal(np.asarray(mask), document.masks.labels(document.images.ids[0]))
    for path in (folder / "masks").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    assert (folder / "project.json").read_bytes().isascii()


def test_unchanged_masks_are_not_written_again_and_old_ones_go(tmp_path, document, monkeypatch):
    session = save_project(document, tmp_path / "work")
    before = {path.name for path in (tmp_path / "work" / "masks").iterdir()}
    paint(document, 1, seed=5)
    disk = CountingDisk()
    monkeypatch.setattr(storage, "disk", disk)
    save_project(document, tmp_path / "work", session)
    replaced = [operation[1].name for operation in disk.operations if operation[0] == "replace"]
    assert len([name for name in replaced if name != "project.json"]) <= 3
    assert replaced[-1] == "project.json"
    after = {path.name for path in (tmp_path / "work" / "masks").iterdir()}
    content = manifest_of(tmp_path / "work")
    assert after == {
        name
        for entry in content["images"]
        for key, name in entry["mask"].items()
        if key != "labelled" and name
    }
    assert before - after
    session.close()


def test_masks_come_lazily_but_do_not_depend_on_their_files_any_more(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    opened = open_project(folder)
    shutil.rmtree(folder / "masks")
    assert state(opened.document) == state(document)
    paint(opened.document, 0, seed=9)
    save_project(opened.document, folder, opened.session)
    opened.session.close()
    assert state(reopened(folder).document) == state(opened.document)


def test_pages_of_a_file_have_masks_of_their_own(tmp_path):
    path = tmp_path / "stack.tif"
    pages = [Image.new("L", (9, 8), value) for value in (10, 20)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    document = Document(ClassTable.from_names(("background", "object", "leaf")))
    for frame in range(2):
        image_id = document.images.add_path(path, frame)
        document.records.attach(read_image(path, image_id=image_id, frame=frame))
    paint(document, 1, seed=3)
    opened = reopened(saved(document, tmp_path / "work"))
    assert state(opened.document) == state(document)
    assert [opened.document.images.frame(key) for key in opened.document.images.ids] == [0, 1]


def test_a_page_may_be_larger_than_the_first_of_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(locating, "_SURELY_SMALL", 100)
    path = tmp_path / "stack.tif"
    pages = [Image.new("L", size, 90) for size in ((4, 4), (40, 30))]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    document = Document(ClassTable.from_names(("background", "object", "leaf")))
    image_id = document.images.add_path(path, 1)
    document.records.attach(read_image(path, image_id=image_id, frame=1))
    paint(document, 0, seed=3)
    opened = reopened(saved(document, tmp_path / "work"))
    assert opened.notices == ()
    assert state(opened.document) == state(document)


def test_a_pasted_image_keeps_its_mask(tmp_path):
    document = document_of(photos(tmp_path / "photos", 1))
    record = document.records.of(document.images.ids[0])
    document.images.add_record(type(record)("clipboard", record.pixels, record.pixels))
    paint(document, 1, seed=3)
    opened = reopened(saved(document, tmp_path / "work"))
    assert opened.document.images.path("clipboard") is None
    assert state(opened.document) == state(document)
    assert opened.missing == ()


def test_large_object_numbers_are_kept(tmp_path, document):
    paint(document, 0, seed=4, instance=3_000_000_000)
    assert state(reopened(saved(document, tmp_path / "work")).document) == state(document)


def test_thousands_of_images_are_saved_and_opened_soon(tmp_path):
    document = Document()
    document.images.add_paths(tmp_path / "photos" / f"{number}.png" for number in range(3000))
    began = time.process_time()
    folder = saved(document, tmp_path / "work")
    opened = reopened(folder)
    seconds = time.process_time() - began
    assert opened.document.images.ids == document.images.ids
    assert len(opened.missing) == 3000
    assert seconds < 10


# S-14, S-15, S-17: moved, missing, changed


def test_a_project_moved_with_its_images_opens(tmp_path, document):
    saved(document, tmp_path / "work")
    (tmp_path / "elsewhere").mkdir()
    for name in ("work", "photos"):
        shutil.move(tmp_path / name, tmp_path / "elsewhere" / name)
    opened = reopened(tmp_path / "elsewhere" / "work")
    assert opened.missing == ()
    assert (
        opened.document.images.path(opened.document.images.ids[0]).parent == tmp_path / "elsewhere" / "photos"
    )


def test_a_project_moved_alone_still_finds_its_images(tmp_path, document):
    saved(document, tmp_path / "work")
    (tmp_path / "a" / "b").mkdir(parents=True)
    shutil.move(tmp_path / "work", tmp_path / "a" / "b" / "work")
    assert reopened(tmp_path / "a" / "b" / "work").missing == ()


def test_renamed_images_are_found_by_their_contents(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    (folder / "pictures").mkdir()
    (tmp_path / "photos" / "photo 0 ü.png").rename(folder / "pictures" / "renamed.png")
    opened = reopened(folder)
    assert opened.missing == ()
    assert opened.document.images.path(opened.document.images.ids[0]) == folder / "pictures" / "renamed.png"
    assert any("another place" in notice for notice in opened.notices)
    (tmp_path / "photos" / "photo 1 ü.png").rename(tmp_path / "far.png")
    assert len(reopened(folder).missing) == 1
    assert reopened(folder, search=[tmp_path]).missing == ()


def test_masks_of_missing_images_survive_saving_again(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    (tmp_path / "photos" / "photo 0 ü.png").unlink()
    opened = open_project(folder)
    assert opened.missing == (document.images.ids[0],)
    assert any("masks are kept" in notice for notice in opened.notices)
    paint(opened.document, 1, seed=8)
    save_project(opened.document, folder, opened.session)
    opened.session.close()
    again = reopened(folder)
    assert np.array_equal(
        again.document.masks.labels(document.images.ids[0]), document.masks.labels(document.images.ids[0])
    )
    photos(tmp_path / "photos")
    assert reopened(folder).missing == ()


def test_a_changed_image_is_told(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    path = tmp_path / "photos" / "photo 0 ü.png"
    os.utime(path, (1, 1))
    assert reopened(folder).notices == ()
    Image.new("RGB", (60, 40)).save(path)
    assert any("has changed since" in notice for notice in reopened(folder).notices)


def test_a_manifest_that_others_changed_is_noticed(tmp_path, document):
    session = save_project(document, tmp_path / "work")
    assert not session.is_changed_outside()
    manifest = tmp_path / "work" / "project.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    assert session.is_changed_outside()
    manifest.unlink()
    assert session.is_changed_outside()
    session.close()


@pytest.mark.parametrize(
    "name", ["ü 漢字 🙂 ' \" % #.png", "x" * 251 + ".png", " .png", os.fsdecode(b"caf\xe9.png")]
)
def test_strange_names_are_kept(tmp_path, name):
    path = tmp_path / "photos" / name
    photos(tmp_path / "photos", 1)[0].rename(path)
    document = document_of([path])
    paint(document, 0, seed=1)
    opened = reopened(saved(document, tmp_path / "wörk 🙂"))
    assert opened.missing == ()
    assert opened.document.images.path(opened.document.images.ids[0]) == path


def test_a_damaged_mask_is_told_and_never_becomes_an_empty_one(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    damaged = folder / "masks" / manifest_of(folder)["images"][0]["mask"]["labels"]
    good = damaged.read_bytes()
    damaged.write_bytes(good[:-20])
    opened = open_project(folder)
    first = opened.document.images.ids[0]
    assert opened.document.images.status(first) is ImageStatus.ERROR
    assert any("missing or damaged" in notice for notice in opened.notices)
    paint(opened.document, 1, seed=8)
    save_project(opened.document, folder, opened.session)
    opened.session.close()
    damaged.write_bytes(good)
    assert np.array_equal(reopened(folder).document.masks.labels(first), document.masks.labels(first))


# S-03, S-04: a disk that fails


@pytest.mark.parametrize(
    ("code", "is_lasting"),
    [(errno.ENOSPC, False), (errno.ENOSPC, True), (errno.EIO, False), (errno.EIO, True)],
)
def test_whichever_operation_of_a_save_fails_nothing_is_lost(
    tmp_path, document, monkeypatch, code, is_lasting
):
    folder = tmp_path / "work"
    session = save_project(document, folder)
    old = state(document)
    operations = 0
    for at in range(200):
        paint(document, at % 2, seed=at)
        new = state(document)
        disk = FailingDisk(at, code, is_lasting)
        monkeypatch.setattr(storage, "disk", disk)
        has_saved = saves(document, folder, session)
        assert document.is_dirty != has_saved
        monkeypatch.setattr(storage, "disk", storage.Disk())
        found = state_on_disk(folder, tmp_path / "copy")
        assert found in (old, new)
        assert not list(folder.rglob("*.tmp"))
        if not disk.has_failed:
            operations = at
            assert found == new
            break
        old = new if found == new else old
    assert operations > 10
    session.close()


def saves(document, folder, session):
    """Whether saving succeeds."""
    try:
        save_project(document, folder, session)
    except StorageError:
        return False
    return True


def state_on_disk(folder, copy):
    """What a project holds, opened from a copy (the original is in use), without the journal."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    for path in copy.glob("journal-*"):
        path.unlink()
    for image in json.loads((copy / "project.json").read_text())["images"]:
        assert image["absolute"]
    opened = reopened(copy)
    return state(opened.document)


def test_after_a_failed_save_changes_before_and_after_it_survive_a_crash(tmp_path, document, monkeypatch):
    folder = tmp_path / "work"
    history = History(document)
    session = save_project(document, folder)
    history.events.applied.connect(lambda changes: session.record(changes, document))
    paint(document, 0, history, seed=20)
    for at in (12, 20, 3):
        monkeypatch.setattr(storage, "disk", FailingDisk(at, errno.ENOSPC, is_lasting=True))
        with pytest.raises(StorageError):
            save_project(document, folder, session)
        monkeypatch.setattr(storage, "disk", storage.Disk())
        paint(document, 1, history, seed=at)
    session.abandon()
    opened = open_project(folder)
    assert opened.recovery.count == 4
    opened.recovery.restore(opened.document)
    assert state(opened.document) == state(document)
    opened.session.close()


def test_a_read_only_project_can_be_saved_elsewhere(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    one = open_project(folder)
    other = open_project(folder)
    assert other.session.is_read_only
    assert str(os.getpid()) in other.session.read_only_reason
    assert state(other.document) == state(one.document)
    with pytest.raises(ProjectError, match="open elsewhere"):
        save_project(other.document, folder, other.session)
    copy = save_project(other.document, tmp_path / "copy", other.session)
    one.session.close()
    assert state(reopened(folder).document) == state(document)
    copy.close()


def test_a_project_is_not_saved_over_another(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    before = (folder / "project.json").read_bytes()
    with pytest.raises(ProjectError, match="already a project"):
        save_project(document, folder)
    assert (folder / "project.json").read_bytes() == before
    session = create_project(tmp_path / "new", document)
    with pytest.raises(ProjectError, match="in use by"):
        create_project(tmp_path / "new", document)
    session.close()


def test_a_copy_keeps_settings_and_keys_that_are_not_known(tmp_path, document, monkeypatch):
    folder = tmp_path / "work"
    save_project(document, folder, settings={"a": 1}).close()
    content = manifest_of(folder)
    content["images"][0]["stars"] = 5
    (folder / "project.json").write_text(json.dumps(content))
    opened = open_project(folder)
    monkeypatch.chdir(tmp_path)
    copy = save_project(opened.document, Path("copy"), opened.session)
    assert copy.folder == tmp_path / "copy"
    paint(opened.document, 0, seed=30)
    assert save_project(opened.document, tmp_path / "copy", copy) is copy
    copy.close()
    opened.session.close()
    after = manifest_of(tmp_path / "copy")
    assert after["settings"] == {"a": 1}
    assert after["images"][0]["stars"] == 5
    assert after["project"] != content["project"]
    assert state(reopened(tmp_path / "copy").document) == state(opened.document)
    assert state(reopened(folder).document) == state(document)


# S-10: the lock


def test_the_lock_is_free_once_its_owner_has_died(tmp_path):
    path = tmp_path / ".lock"
    code = (
        "import sys, pathlib; from latentseg_gui.io.lock import ProjectLock\n"
        "lock = ProjectLock(pathlib.Path(sys.argv[1])); print(lock.acquire(), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "True\n"
        lock = ProjectLock(path)
        assert not lock.acquire()
        assert lock.owner().pid == child.pid
        child.kill()
        child.wait()
    assert lock.acquire()
    assert lock.acquire()
    assert lock.owner().pid == os.getpid()
    lock.release()
    lock.release()
    assert not lock.is_held
    path.write_bytes(b"rubbish")
    assert lock.owner() is None


# S-11, S-12: other versions


def test_a_newer_project_is_shown_but_never_written(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    content = manifest_of(folder)
    content |= {"schema": 3, "new_key": {"a": [1, None]}}
    (folder / "project.json").write_text(json.dumps(content))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    opened = open_project(folder)
    assert "newer version" in opened.session.read_only_reason
    assert state(opened.document) == state(document)
    with pytest.raises(ProjectError):
        save_project(opened.document, folder, opened.session)
    opened.session.close()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    content["classes"] = "entirely different"
    (folder / "project.json").write_text(json.dumps(content))
    with pytest.raises(NewerProjectError):
        open_project(folder)


def test_keys_that_are_not_known_are_kept(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    content = manifest_of(folder)
    content["extra"] = {"a": [1, None, "ü"]}
    content["images"][0]["stars"] = 5
    content["images"][0]["mask"]["checked"] = None
    content["classes"][1]["wikidata"] = "Q1"
    (folder / "project.json").write_text(json.dumps(content))
    opened = open_project(folder)
    paint(opened.document, 1, seed=3)
    save_project(opened.document, folder, opened.session)
    opened.session.close()
    after = manifest_of(folder)
    assert after["extra"] == content["extra"]
    assert after["images"][0]["stars"] == 5
    assert after["images"][0]["mask"] == content["images"][0]["mask"]
    assert after["classes"][1]["wikidata"] == "Q1"
    assert after["counter"] == content["counter"] + 1


def test_an_older_project_opens_and_its_manifest_is_kept(tmp_path, document, monkeypatch):
    folder = saved(document, tmp_path / "work")
    content = manifest_of(folder)
    content["schema"] = 0
    content["labels"] = content.pop("classes")
    old = json.dumps(content).encode()
    (folder / "project.json").write_bytes(old)
    with pytest.raises(ProjectError, match="damaged"):
        open_project(folder)

    def migrate(content):
        return {**content, "classes": content["labels"]}

    monkeypatch.setitem(project_file.MIGRATIONS, 0, migrate)
    opened = open_project(folder)
    assert state(opened.document) == state(document)
    assert (folder / "project.json").read_bytes() == old
    save_project(opened.document, folder, opened.session)
    opened.session.close()
    assert (folder / "project.json.v0.bak").read_bytes() == old
    assert manifest_of(folder)["schema"] == 2


def test_the_sample_of_schema_1_opens_for_ever(tmp_path):
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLES / "project-schema-1", folder)
    opened = reopened(folder)
    assert opened.document.classes.names == ("background", "leaf", "root")
    (image_id,) = opened.document.images.ids
    labels = opened.document.masks.labels(image_id)
    assert labels.shape == (6, 8)
    assert (labels[1:3, 1:4] == 1).all()
    assert (labels[4, 5:7] == 2).all()
    assert (opened.document.masks.instances(image_id)[1:3, 1:4] == 3).all()
    assert np.count_nonzero(labels == 255) == 48 - 8
    assert opened.document.classes.is_numbered, "the place of a class was its id"
    document = opened.document
    move_class(document, 2, 1).apply(document)
    save_project(document, folder, opened.session)
    opened.session.close()
    content = manifest_of(folder)
    assert [(entry["id"], entry["name"]) for entry in content["classes"]] == [
        (0, "background"),
        (2, "root"),
        (1, "leaf"),
    ]
    assert content["images"][0]["mask"]["labelled"] == 8
    assert "vouched" not in content["images"][0]["mask"]
    assert np.array_equal(reopened(folder).document.masks.labels(image_id), labels)


def test_the_sample_of_schema_2_opens_for_ever(tmp_path):
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLES / "project-schema-2", folder)
    document = reopened(folder).document
    assert document.classes.named_ids == ((0, "background"), (2, "root"), (1, "leaf"), (4, "flower"))
    (image_id,) = document.images.ids
    labels = document.masks.labels(image_id)
    assert (labels[1:3, 1:4] == 1).all()
    assert (labels[4, 5:7] == 2).all()
    assert (labels[0, 0:2] == 4).all()
    assert (document.masks.instances(image_id)[1:3, 1:4] == 3).all()
    assert document.masks.layer(image_id).num_labelled == 10


@pytest.mark.parametrize(
    "ids", [[0, 1, 1], [0, 1, 255], [1, 0, 2], [0, 1, -1]], ids=["twice", "255", "background", "negative"]
)
def test_ids_of_classes_that_make_no_sense_are_refused(tmp_path, document, ids):
    folder = saved(document, tmp_path / "work")
    content = manifest_of(folder)
    for entry, class_id in zip(content["classes"], ids, strict=True):
        entry["id"] = class_id
    (folder / "project.json").write_text(json.dumps(content))
    with pytest.raises(ProjectError, match="damaged"):
        open_project(folder)


# S-13: hostile manifests


def hostile(content):
    """Manifests that must be refused, by what is wrong with them."""

    def changed(**keys):
        return json.dumps({**content, **keys}).encode()

    def image(**keys):
        return changed(images=[{**content["images"][0], **keys}])

    mask = content["images"][0]["mask"]
    yield from {
        "empty": b"",
        "text": b"hello",
        "binary": bytes(range(256)),
        "cut": json.dumps(content).encode()[:-30],
        "deep": b'{"schema":1,"a":' + b"[" * 100_000,
        "list": b"[]",
        "number": b"7",
        "huge": b" " * (project_file.MAX_BYTES + 1),
        "nan": json.dumps({**content, "counter": float("nan")}).encode(),
        "infinite": json.dumps({**content, "settings": {"a": float("inf")}}).encode(),
        "schema text": changed(schema="1"),
        "schema true": changed(schema=True),
        "schema negative": changed(schema=-1),
        "schema missing": json.dumps(
            {key: value for key, value in content.items() if key != "schema"}
        ).encode(),
        "other format": changed(format="another"),
        "no classes": changed(classes=[]),
        "too many classes": changed(classes=[{"name": f"c{n}", "colour": "#000000"} for n in range(300)]),
        "same class twice": changed(classes=content["classes"] * 2),
        "colour": changed(classes=[{"name": "a", "colour": "red"}]),
        "class name": changed(classes=[{"name": "a\nb", "colour": "#000000"}]),
        "class name long": changed(classes=[{"name": "a" * 300, "colour": "#000000"}]),
        "images text": changed(images="x"),
        "images null": changed(images=None),
        "image number": changed(images=[7]),
        "same id twice": changed(images=content["images"][:1] * 2),
        "id missing": changed(images=[{"path": "a.png"}]),
        "id long": image(id="x" * 300),
        "width zero": image(width=0),
        "width huge": image(width=2**40),
        "width float": image(width=3.5),
        "width text": image(width="60"),
        "frame negative": image(frame=-1),
        "path number": image(path=7),
        "path hex": image(path_hex="zz"),
        "sha": image(sha256="../../x"),
        "mask without size": image(width=None, height=None),
        "mask text": image(mask="x"),
        "mask path": image(mask={**mask, "labels": "../../../etc/passwd"}),
        "mask absolute": image(mask={**mask, "labels": "/etc/passwd"}),
        "mask other name": image(mask={**mask, "provenance": "a.png"}),
        "mask newline": image(mask={**mask, "labels": mask["labels"] + "\n"}),
    }.items()


def test_hostile_manifests_are_refused_and_nothing_is_touched(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    count = 0
    for kind, data in hostile(manifest_of(folder)):
        (folder / "project.json").write_bytes(data)
        before = {
            path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"
        }
        began = time.process_time()
        with pytest.raises(ProjectError) as refused:
            open_project(folder)
        assert refused.value.action, kind
        assert time.process_time() - began < 2, kind
        after = {
            path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"
        }
        assert after == before, kind
        count += 1
    assert count >= 40


@pytest.mark.parametrize("path", ["/dev/zero", "../../../../etc", "a\0b", "x" * 5000, "", "."])
def test_paths_that_are_no_images_are_missing_images(tmp_path, document, path):
    folder = saved(document, tmp_path / "work")
    content = manifest_of(folder)
    content["images"][0] |= {"path": path, "absolute": None, "sha256": None}
    (folder / "project.json").write_text(json.dumps(content))
    opened = reopened(folder)
    assert opened.missing in ((content["images"][0]["id"],), ())
    assert np.array_equal(opened.document.masks.labels("image-1"), document.masks.labels("image-1"))


def test_a_mask_that_lies_about_its_size_is_refused(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    content = manifest_of(folder)
    content["images"][0] |= {"width": 30_000, "height": 30_000}
    (folder / "project.json").write_text(json.dumps(content))
    opened = reopened(folder)
    with pytest.raises(ProjectError, match="damaged"):
        opened.document.masks.labels(content["images"][0]["id"])


def test_links_that_lead_out_of_the_project_are_not_followed(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    opened = open_project(folder)
    paint(opened.document, 0, seed=5)
    shutil.move(folder / "masks", tmp_path / "outside")
    (folder / "masks").symlink_to(tmp_path / "outside", target_is_directory=True)
    before = sorted(path.name for path in (tmp_path / "outside").iterdir())
    with pytest.raises(ProjectError, match="link"):
        save_project(opened.document, folder, opened.session)
    assert sorted(path.name for path in (tmp_path / "outside").iterdir()) == before
    opened.session.close()
    (folder / "project.json").rename(tmp_path / "real.json")
    (folder / "project.json").symlink_to(tmp_path / "real.json")
    with pytest.raises(ProjectError, match="link"):
        open_project(folder)


@pytest.mark.parametrize("part", ["project.json", "masks", "a mask", "an image"])
def test_links_that_lead_to_themselves_end_in_words_and_cost_nothing_else(tmp_path, document, part):
    paint(document, 0, seed=5)
    folder = saved(document, tmp_path / "work")
    places = {
        "a mask": next((folder / "masks").iterdir()),
        "an image": document.images.path(document.images.ids[0]),
    }
    place = places.get(part, folder / part)
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.symlink_to(place.name)
    try:
        opened = open_project(folder)
    except ProjectError:
        assert part in ("project.json", "masks")
        return
    assert len(opened.document.images.ids) == len(document.images.ids)
    with suppress(ProjectError, StorageError):
        save_project(opened.document, folder, opened.session)
    opened.session.close()


def test_a_folder_without_a_project_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(ProjectError, match="no project"):
            open_project(folder)


def test_temporary_files_of_a_crash_are_removed_when_opening(tmp_path, document):
    folder = saved(document, tmp_path / "work")
    storage.disk.create(folder)
    storage.disk.create(folder / "masks")
    reopened(folder)
    assert not list(folder.rglob("*.tmp"))


def test_the_clock_does_not_matter(tmp_path, document, monkeypatch):
    session = save_project(document, tmp_path / "work")
    monkeypatch.setattr(time, "time", lambda: 0.0)
    paint(document, 0, seed=6)
    os.utime(tmp_path / "work" / "project.json", (4e9, 4e9))
    save_project(document, tmp_path / "work", session)
    session.close()
    assert state(reopened(tmp_path / "work").document) == state(document)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_disk_that_is_truly_full_keeps_the_project(tmp_path, document):
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        session = save_project(document, disk / "work")
        before = state(document)
        noise = np.random.default_rng(0).integers(0, 3, (1500, 1500), np.uint8)
        (disk / "filler").write_bytes(bytes(700_000))
        other = document.images.add_path(tmp_path / "another.png")
        document.masks.load(other, noise, np.full(noise.shape, 3, np.uint8))
        with pytest.raises(StorageError, match="the disk is full"):
            save_project(document, disk / "work", session)
        assert document.is_dirty
        assert not list((disk / "work").rglob("*.tmp"))
        session.abandon()
        opened = open_project(disk / "work")
        assert state(opened.document) == before
        opened.session.close()
    finally:
        subprocess.run(["umount", disk], check=True)
