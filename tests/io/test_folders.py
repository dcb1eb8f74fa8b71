"""A folder says what it leaves out, and why."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.io.images.folders import left_out, list_images, listing
from latentseg_gui.io.masks.finding import find_masks

DEPTH = 1200
"""More folders in each other than Python lets functions call each other."""


@pytest.fixture
def deep(tmp_path, monkeypatch):
    """A folder in a folder in a folder: (the outermost, the innermost); taken away again, for `rmtree` cannot."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("deep")
    os.chdir("deep")
    for _ in range(DEPTH):
        os.mkdir("d")
        os.chdir("d")
    yield tmp_path / "deep", Path(*["d"] * DEPTH)
    for path in Path().iterdir():
        path.unlink()
    for _ in range(DEPTH):
        os.chdir("..")
        os.rmdir("d")


def test_what_is_left_out_is_named_with_its_reason(tmp_path):
    for name in (
        "a.png",
        "b.AVIF",
        "photo.heic",
        "slide.czi",
        "notes.docx",
        "a.json",
        "labels.txt",
        ".hidden",
    ):
        (tmp_path / name).touch()
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "c.jp2").touch()
    (tmp_path / "inside" / "raw.cr2").touch()
    found = listing(tmp_path)
    assert [path.name for path in found.images] == ["a.png", "b.AVIF", "c.jp2"]
    said = left_out(found.skipped)
    assert said.startswith("Left out: 2 files that may be masks: “a.json”, “labels.txt”.")
    assert "3 files in a format that is not read: “photo.heic”, “slide.czi”, “raw.cr2”. Convert them" in said
    assert "1 file that is not an image: “notes.docx”." in said
    assert "hidden" not in said


def test_a_folder_of_images_alone_says_nothing(tmp_path):
    (tmp_path / "a.png").touch()
    assert left_out(listing(tmp_path).skipped) == ""


def test_many_files_are_counted_and_a_few_named(tmp_path):
    for number in range(1200):
        (tmp_path / f"{number}.csv").touch()
    said = left_out(listing(tmp_path).skipped)
    assert "1,200 files" in said
    assert said.endswith("“0.csv”, “1.csv”, “2.csv”, “3.csv” and 1,196 more.")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="there are no links here")
def test_a_link_that_leads_to_itself_never_costs_the_images_beside_it(tmp_path):
    (tmp_path / "a.png").touch()
    os.symlink("loop.png", tmp_path / "loop.png")
    found = listing(tmp_path)
    assert found.images == (tmp_path / "a.png",)
    assert "loop.png" in left_out(found.skipped)


def test_masks_of_a_project_that_lies_among_the_images_are_none_of_them(tmp_path):
    masks = tmp_path / "project" / "masks"
    masks.mkdir(parents=True)
    for path in (tmp_path / "a.png", masks / f"{'0f' * 32}.png", masks / "own.png"):
        path.touch()
    assert len(list_images(tmp_path)) == 3
    (tmp_path / "project" / "project.json").touch()
    assert list_images(tmp_path) == (tmp_path / "a.png", masks / "own.png"), (
        "only what is named by its content"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_pipes_devices_and_links_are_no_images_whatever_their_names(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "real.png").touch()
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    found = listing(tmp_path)
    assert [path.name for path in list_images(tmp_path)] == ["link.png", "real.png"]
    reasons = {each.path.name: each.reason for each in found.skipped}
    assert reasons == {"pipe.png": "strange", "zero.png": "strange", "gone.png": "strange", "round": "link"}
    said = left_out(found.skipped)
    assert "3 files that are not ordinary files" in said
    assert "“round”" in said


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    said = left_out(listing(tmp_path).skipped)
    closed.chmod(0o700)
    assert said == "Left out: 1 folder that may not be read: “closed”."


@pytest.mark.skipif(os.name == "nt", reason="paths are not that long there")
def test_folders_deeper_in_each_other_than_functions_may_be_are_looked_through(deep):
    folder, innermost = deep
    Image.fromarray(np.zeros((4, 4), np.uint8)).save("a.png")
    assert list_images(folder) == (folder / innermost / "a.png",)
    assert [each.path for each in find_masks([folder]).candidates] == [folder / innermost / "a.png"]
