"""Whose file is it? What latentseg wrote may be written anew; what others wrote stays."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.io import ledger as ledger_module
from latentseg_gui.io.ledger import ForeignFileError, Ledger
from latentseg_gui.io.masks import MaskItem, PairedImage, export_folder, export_mask
from latentseg_gui.io.transfer.batch import BatchFolder, BatchPlan, batch_items, done_before
from latentseg_gui.io.transfer.sources import source_images

CLASSES = ClassTable.from_names(("background", "leaf"))


def mask(value: int = 1) -> np.ndarray:
    labels = np.zeros((8, 10), np.uint8)
    labels[2:5, 3:7] = value
    return labels


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (10, 8), "red").save(path)
    return path


def test_what_was_written_may_be_written_again_and_what_others_wrote_may_not(tmp_path):
    own, theirs = tmp_path / "own.txt", tmp_path / "theirs.txt"
    Ledger().write(own, b"one")
    theirs.write_bytes(b"precious")
    Ledger().write(own, b"two")  # another process, later
    with pytest.raises(ForeignFileError, match=r"theirs\.txt"):
        Ledger().write(theirs, b"lost")
    assert (own.read_bytes(), theirs.read_bytes()) == (b"two", b"precious")
    Ledger(may_replace=True).write(theirs, b"given away")
    assert theirs.read_bytes() == b"given away"
    Ledger().write(theirs, b"ours now")


@pytest.mark.parametrize("edited", [b"tow", b"twoo", b""])
def test_a_file_that_changed_since_belongs_to_whoever_changed_it(tmp_path, edited):
    path = tmp_path / "own.txt"
    Ledger().write(path, b"two")
    path.write_bytes(edited)
    with pytest.raises(ForeignFileError):
        Ledger().write(path, b"three")
    assert path.read_bytes() == edited


def test_a_crash_between_record_and_file_leaves_both_ways_open(tmp_path, monkeypatch):
    path = tmp_path / "own.txt"
    Ledger().write(path, b"old")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ledger_module, "atomic_write", dies)
        with pytest.raises(KeyboardInterrupt):
            Ledger().write(path, b"new")
    assert path.read_bytes() == b"old"
    Ledger().write(path, b"new")
    assert path.read_bytes() == b"new"


def test_half_a_line_of_the_record_costs_one_file_and_not_the_next(tmp_path):
    Ledger().write(tmp_path / "a", b"a")
    (record,) = ledger_module._record_of(tmp_path).parent.iterdir()
    record.write_bytes(record.read_bytes()[:-9])
    Ledger().write(tmp_path / "b", b"b")
    assert Ledger().foreign([tmp_path / "a", tmp_path / "b"]) == [tmp_path / "a"]


def test_a_copied_folder_and_a_missing_home_are_doubts_and_no_errors(tmp_path, monkeypatch):
    Ledger().write(tmp_path / "here" / "a", b"a")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert Ledger().foreign([tmp_path / "there" / "a"])
    nowhere = tmp_path / "a file"
    nowhere.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(nowhere))
    Ledger().write(tmp_path / "homeless", b"written all the same")
    assert (tmp_path / "homeless").read_bytes() == b"written all the same"


def test_folders_and_pipes_in_the_way_are_foreign_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    paths = [tmp_path / name for name in ("pipe", "folder", "link")]
    assert Ledger().foreign(paths) == paths


@pytest.mark.parametrize("name", ["png", "coco", "voc", "yolo", "csv", "npz", "geojson"])
def test_every_format_refuses_before_anything_is_touched(tmp_path, name):
    items = [MaskItem("a", mask()), MaskItem("b", mask())]
    list(export_folder(tmp_path, items, CLASSES, name))
    written = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    victim = written[-1]
    victim.write_bytes(b"edited by hand")
    before = {path: path.read_bytes() for path in written}
    try:
        errors = [step.error for step in export_folder(tmp_path, items, CLASSES, name) if step.error]
    except ForeignFileError as error:
        errors = [error]
    assert [type(each) for each in errors] == [ForeignFileError]
    assert {path: path.read_bytes() for path in written} == before
    list(export_folder(tmp_path, items, CLASSES, name, Ledger(may_replace=True)))
    assert victim.read_bytes() != b"edited by hand"


def test_a_single_mask_does_not_replace_somebodys_file(tmp_path):
    (tmp_path / "a.png").write_bytes(b"by hand")
    with pytest.raises(ForeignFileError):
        export_mask(tmp_path / "a.png", MaskItem("a", mask()), CLASSES, "png")


def test_a_run_goes_on_over_what_it_wrote_and_stops_before_the_files_of_others(tmp_path):
    images = [photo(tmp_path / "in" / f"{number}.png") for number in range(3)]
    plan, items = BatchPlan(("png",), CLASSES, ""), batch_items([(each, 0) for each in images])
    folder = BatchFolder(tmp_path / "out", plan)
    folder.write(items[0], MaskItem(items[0].stem, mask()))
    folder.close()  # as if killed
    again = BatchFolder(tmp_path / "out", plan)
    assert done_before(tmp_path / "out", plan, items) == {items[0]}
    (tmp_path / "out" / "2.png").write_bytes(b"by hand")
    with pytest.raises(ForeignFileError, match=r"2\.png"):
        again.check(items[1:])
    with pytest.raises(ForeignFileError):
        again.write(items[2], MaskItem(items[2].stem, mask()))
    again.check(items[:2])
    again.close()


def test_images_go_along_as_copies_or_links_and_are_never_written_through(tmp_path):
    source = photo(tmp_path / "in" / "a.png")
    before = source.read_bytes()
    for is_linked in (True, False, True):
        item = MaskItem("a", mask(), picture=PairedImage(source, 0, is_linked))
        list(export_folder(tmp_path / "out", [item], CLASSES, "yolo"))
        there = tmp_path / "out" / "images" / "a.png"
        assert there.is_symlink() == is_linked
        assert there.read_bytes() == before
        assert not source.is_symlink()
    assert source.read_bytes() == before


def test_images_that_lie_where_the_data_set_wants_them_stay_there(tmp_path):
    source = photo(tmp_path / "set" / "images" / "a.png")
    plan = BatchPlan(("yolo",), CLASSES, "")
    items = batch_items([(source, 0)])
    assert tmp_path / "set" / "images" / "a.png" not in plan.targets(tmp_path / "set", items)
    folder = BatchFolder(tmp_path / "set", plan)
    folder.check(items)
    folder.write(items[0], MaskItem("a", mask()))
    folder.finish(items)
    assert (tmp_path / "set" / "labels" / "a.txt").read_text().startswith("0 ")
    assert [path.name for path in (tmp_path / "set" / "images").iterdir()] == ["a.png"]


def test_results_below_or_among_the_images_are_no_images(tmp_path):
    image = photo(tmp_path / "imgs" / "p.jpg")
    Ledger().write(tmp_path / "imgs" / "p.png", b"a mask")
    photo(tmp_path / "imgs" / "out" / "q.png")
    assert source_images(tmp_path / "imgs", tmp_path / "imgs" / "out") == [image, tmp_path / "imgs" / "p.png"]
    beside = source_images(tmp_path / "imgs", tmp_path / "imgs")
    assert beside == [image, tmp_path / "imgs" / "out" / "q.png"]
    assert len(source_images(tmp_path / "imgs", tmp_path / "elsewhere")) == 3
