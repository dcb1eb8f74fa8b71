"""Versions of the weights in a project: kept once, checked when it is opened, dropped when nothing needs them."""

import errno
import json
import os

import pytest

from latentseg_gui.io import storage
from latentseg_gui.io.project.manifest import SHIPPED, ProjectError, WeightsList, WeightsVersion
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import save_project
from latentseg_gui.io.project.session_folder import SessionFolder
from latentseg_gui.io.project.weights_shelf import mark_of
from tests.io.faulty_disk import FailingDisk
from tests.io.project_helpers import document_of, paint, photos, state


@pytest.fixture
def document(tmp_path):
    document = document_of(photos(tmp_path / "photos"))
    paint(document, 0, seed=1)
    return document


def trained(folder, name, content):
    """A file of weights as training leaves it; the file, and what a project says of it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.safetensors"
    path.write_bytes(content)
    mark = mark_of(path)
    version = WeightsVersion(
        name=name,
        sha256=mark.sha256,
        size=mark.size,
        metric=0.75,
        validated_on="held-out pixels",
        seconds=12.5,
        images=3,
        made="2026-11-29 12:00",
    )
    return path, version


def saved_with(document, folder, *versions, in_use):
    """A project that lists versions; its session."""
    session = save_project(document, folder)
    listed = WeightsList(versions=[version for _, version in versions], in_use=in_use)
    sources = {version.sha256: path for path, version in versions}
    session.write(session.snapshot(document, None, listed, sources))
    session.weights.note(session.manifest.weights)
    return session


def files_in(folder):
    return sorted(path.name for path in (folder / "weights").glob("*"))


def test_a_project_comes_back_with_all_that_was_said_of_its_versions(document, tmp_path):
    one = trained(tmp_path / "run", "v1", b"first")
    two = trained(tmp_path / "run", "v2", b"second")
    saved_with(document, tmp_path / "work", one, two, in_use="v1").close()
    opened = open_project(tmp_path / "work")
    assert opened.session.weights.versions == (one[1], two[1])
    assert opened.session.weights.listed.in_use == "v1"
    assert opened.session.weights.path(two[1].sha256).read_bytes() == b"second"
    assert opened.notices == ()
    assert state(opened.document) == state(document)
    opened.session.close()


def test_the_same_contents_are_there_once(document, tmp_path):
    one = trained(tmp_path / "run", "v1", b"same")
    two = trained(tmp_path / "run", "v2", b"same")
    saved_with(document, tmp_path / "work", one, two, in_use="v2").close()
    assert files_in(tmp_path / "work") == [f"{one[1].sha256}.safetensors"]
    assert len(open_project(tmp_path / "work").session.weights.versions) == 2


def test_versions_of_the_same_name_in_two_projects_stay_apart(document, tmp_path):
    one = trained(tmp_path / "run", "v1", b"nuclei")
    saved_with(document, tmp_path / "nuclei", one, in_use="v1").close()
    two = trained(tmp_path / "run", "v1", b"cracks")
    saved_with(document, tmp_path / "cracks", two, in_use="v1").close()
    for name in ("nuclei", "cracks"):
        shelf = open_project(tmp_path / name).session.weights
        assert shelf.path(shelf.versions[0].sha256).read_bytes() == name.encode()


@pytest.mark.parametrize("kind", ["gone", "cut", "flipped", "longer", "folder", "link", "fifo"])
def test_a_damaged_version_is_said_and_the_rest_opens(document, tmp_path, kind):
    one = trained(tmp_path / "run", "v1", b"first")
    two = trained(tmp_path / "run", "v2", b"second")
    saved_with(document, tmp_path / "work", one, two, in_use="v1").close()
    path = tmp_path / "work" / "weights" / f"{one[1].sha256}.safetensors"
    path.unlink()
    outside = tmp_path / "outside"
    outside.write_bytes(b"first")
    damage = {
        "gone": lambda: None,
        "cut": lambda: path.write_bytes(b"firs"),
        "flipped": lambda: path.write_bytes(b"fiRst"),
        "longer": lambda: path.write_bytes(b"first "),
        "folder": path.mkdir,
        "link": lambda: path.symlink_to(outside),
        "fifo": lambda: os.mkfifo(path),
    }
    damage[kind]()
    opened = open_project(tmp_path / "work")
    (notice,) = opened.notices
    assert "“v1”" in notice
    assert "missing or damaged" in notice
    assert set(opened.session.weights.damaged) == {"v1"}
    assert state(opened.document) == state(document)
    paint(opened.document, 1, seed=3)
    save_project(opened.document, tmp_path / "work", opened.session)
    opened.session.close()
    again = open_project(tmp_path / "work")
    assert [version.name for version in again.session.weights.versions] == ["v1", "v2"], "it may be repaired"
    again.session.close()


def test_a_copy_of_a_project_has_its_versions_too(document, tmp_path):
    one = trained(tmp_path / "run", "v1", b"first")
    session = saved_with(document, tmp_path / "work", one, in_use="v1")
    copy = save_project(document, tmp_path / "copy", session)
    session.close()
    copy.close()
    opened = open_project(tmp_path / "copy")
    assert opened.notices == ()
    assert opened.session.weights.listed.in_use == "v1"
    opened.session.close()


def test_a_copy_is_made_although_a_version_is_damaged(document, tmp_path):
    one = trained(tmp_path / "run", "v1", b"first")
    saved_with(document, tmp_path / "work", one, in_use="v1").close()
    (tmp_path / "work" / "weights" / f"{one[1].sha256}.safetensors").write_bytes(b"FIRST")
    opened = open_project(tmp_path / "work")
    save_project(opened.document, tmp_path / "copy", opened.session).close()
    opened.session.close()
    copy = open_project(tmp_path / "copy")
    assert state(copy.document) == state(document)
    copy.session.close()


def test_after_a_crash_the_versions_that_were_noted_are_there(document, tmp_path):
    one = trained(tmp_path / "run", "v1", b"first")
    two = trained(tmp_path / "run", "v2", b"second")
    session = saved_with(document, tmp_path / "work", one, in_use="v1")
    session.weights.put(two[0], mark_of(two[0]), is_shared=True)
    listed = WeightsList(versions=[one[1], two[1]], in_use="v2")
    session.weights.note(listed)
    session.record_weights(listed)
    session.abandon()
    opened = open_project(tmp_path / "work")
    assert opened.recovery.count == 0, "no mask changed"
    assert opened.recovery.weights == listed
    opened.recovery.restore(opened.document)
    assert opened.session.weights.listed == listed
    assert opened.recovery.notices == []
    save_project(opened.document, tmp_path / "work", opened.session)
    opened.session.close()
    again = open_project(tmp_path / "work")
    assert again.session.weights.versions == (one[1], two[1])
    assert len(files_in(tmp_path / "work")) == 2
    again.session.close()


def test_discarding_leaves_what_was_saved_and_the_file_goes_with_the_next_save(document, tmp_path):
    one = trained(tmp_path / "run", "v1", b"first")
    two = trained(tmp_path / "run", "v2", b"second")
    session = saved_with(document, tmp_path / "work", one, in_use="v1")
    session.weights.put(two[0], mark_of(two[0]), is_shared=True)
    session.record_weights(WeightsList(versions=[one[1], two[1]], in_use="v2"))
    session.abandon()
    opened = open_project(tmp_path / "work")
    opened.recovery.discard()
    assert opened.session.weights.versions == (one[1],)
    save_project(opened.document, tmp_path / "work", opened.session)
    opened.session.close()
    assert files_in(tmp_path / "work") == [f"{one[1].sha256}.safetensors"]
    again = open_project(tmp_path / "work")
    assert again.recovery is None
    again.session.close()


def test_closing_without_saving_leaves_no_file_of_what_was_not_saved(document, tmp_path):
    one = trained(tmp_path / "run", "v1", b"first")
    two = trained(tmp_path / "run", "v2", b"second")
    session = saved_with(document, tmp_path / "work", one, in_use="v1")
    session.weights.put(two[0], mark_of(two[0]), is_shared=True)
    session.weights.note(WeightsList(versions=[one[1], two[1]], in_use="v2"))
    session.close()
    assert files_in(tmp_path / "work") == [f"{one[1].sha256}.safetensors"]


def test_nothing_is_swept_away_that_could_still_be_restored(document, tmp_path):
    versions = [trained(tmp_path / "run", f"v{number}", bytes([number])) for number in range(1, 5)]
    session = saved_with(document, tmp_path / "work", versions[0], in_use="v1")
    for number in range(1, 4):  # each takes the place of the one before, as live refits do
        session.weights.put(versions[number][0], mark_of(versions[number][0]), is_shared=True)
        session.weights.sweep(session.manifest.weights)
        listed = WeightsList(versions=[versions[number][1]], in_use=f"v{number + 1}")
        session.weights.note(listed)
        session.record_weights(listed)
    session.weights.sweep(session.manifest.weights)
    kept = {name.removesuffix(".safetensors") for name in files_in(tmp_path / "work")}
    wanted = {versions[number][1].sha256 for number in (0, 2, 3)}
    assert kept == wanted, "what is saved, what was noted last, and what was noted before"
    session.abandon()


def test_a_file_that_is_gone_does_not_keep_the_masks_from_being_saved(document, tmp_path):
    one = trained(tmp_path / "run", "v1", b"first")
    session = save_project(document, tmp_path / "work")
    one[0].unlink()
    paint(document, 1, seed=2)
    listed = WeightsList(versions=[one[1]], in_use="v1")
    session.write(session.snapshot(document, None, listed, {one[1].sha256: one[0]}))
    assert session.lost_weights == ["v1"]
    session.close()
    opened = open_project(tmp_path / "work")
    assert state(opened.document) == state(document)
    opened.session.close()


def test_a_file_that_changed_since_is_not_taken_for_what_it_was(document, tmp_path):
    path, version = trained(tmp_path / "run", "v1", b"first")
    session = save_project(document, tmp_path / "work")
    mark = mark_of(path)
    path.write_bytes(b"fIrst")
    with pytest.raises(storage.StorageError, match="changed"):
        session.weights.put(path, mark, is_shared=False)
    assert files_in(tmp_path / "work") == []
    assert version.sha256 == mark.sha256
    session.close()


def test_whichever_operation_fails_the_project_is_whole(document, tmp_path, monkeypatch):
    one = trained(tmp_path / "run", "v1", b"first")
    two = trained(tmp_path / "run", "v2", b"second")
    session = saved_with(document, tmp_path / "work", one, in_use="v1")
    session.close()
    listed = WeightsList(versions=[one[1], two[1]], in_use="v2")
    for at in range(1000):
        opened = open_project(tmp_path / "work")
        disk = FailingDisk(at, errno.ENOSPC)
        monkeypatch.setattr(storage, "disk", disk)
        try:
            opened.session.write(
                opened.session.snapshot(opened.document, None, listed, {two[1].sha256: two[0]})
            )
            is_saved = True
        except (storage.StorageError, ProjectError):
            is_saved = False
        monkeypatch.setattr(storage, "disk", storage.Disk())
        opened.session.abandon()
        again = open_project(tmp_path / "work")
        assert again.notices == ()
        assert again.session.weights.versions[0].name == "v1"
        again.session.close()
        if is_saved and not disk.has_failed:
            break
    assert at > 5


@pytest.mark.parametrize("weights", [7, [], {"versions": 3}, {"versions": [{"name": "v1"}]}, {"in_use": 4}])
def test_a_list_that_is_none_is_refused_like_any_other_damage(document, tmp_path, weights):
    save_project(document, tmp_path / "work").close()
    path = tmp_path / "work" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "weights": weights}))
    with pytest.raises(ProjectError, match="damaged"):
        open_project(tmp_path / "work")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a" * 63, "A" * 64])
def test_a_hash_is_no_way_out_of_the_project(document, tmp_path, name):
    save_project(document, tmp_path / "work").close()
    path = tmp_path / "work" / "project.json"
    listed = {"versions": [{"name": "v1", "sha256": name}], "in_use": "v1"}
    path.write_text(json.dumps({**json.loads(path.read_text()), "weights": listed}))
    with pytest.raises(ProjectError, match="damaged"):
        open_project(tmp_path / "work")


def test_an_older_project_says_nothing_of_weights_and_keys_of_newer_ones_are_kept(document, tmp_path):
    save_project(document, tmp_path / "work").close()
    path = tmp_path / "work" / "project.json"
    content = json.loads(path.read_text())
    del content["weights"]
    path.write_text(json.dumps(content))
    opened = open_project(tmp_path / "work")
    assert opened.session.weights.listed is None
    one = trained(tmp_path / "run", "v1", b"first")
    listed = WeightsList(versions=[one[1]], in_use=SHIPPED)
    sources = {one[1].sha256: one[0]}
    opened.session.write(opened.session.snapshot(opened.document, None, listed, sources))
    opened.session.close()
    content = json.loads(path.read_text())
    assert content["schema"] == 2, "nothing of it needs a newer program"
    content["weights"]["of tomorrow"] = 1
    content["weights"]["versions"][0]["of tomorrow"] = [2]
    path.write_text(json.dumps(content))
    again = open_project(tmp_path / "work")
    again.session.write(again.session.snapshot(again.document, None, listed, sources))
    again.session.close()
    content = json.loads(path.read_text())
    assert content["weights"]["of tomorrow"] == 1
    assert content["weights"]["versions"][0]["of tomorrow"] == [2]


def test_a_folder_of_a_window_goes_with_it_and_one_that_was_left_goes_with_the_next(tmp_path):
    first, second = SessionFolder(tmp_path / "versions"), SessionFolder(tmp_path / "versions")
    assert first.folder.is_dir(), "it belongs to a window that lives"
    (first.folder / "v1.safetensors").write_bytes(b"first")
    first._lock.release()  # as when its process is killed
    third = SessionFolder(tmp_path / "versions")
    assert not first.folder.exists()
    assert second.folder.is_dir()
    second.remove()
    third.remove()
    assert list((tmp_path / "versions").iterdir()) == []
