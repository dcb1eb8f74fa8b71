"""A run over many images: cut off and continued, shared by processes, and never stopped by a bad one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.io.transfer.batch import WORK
from tests.leaks import wait_until

COUNT = 200


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, whatever its name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def small_images(folder: Path, count: int) -> Path:
    folder.mkdir()
    generator = np.random.default_rng(0)
    for index in range(count):
        below = folder / f"day {index % 3}"
        below.mkdir(exist_ok=True)
        pixels = generator.integers(0, 255, (24, 32, 3), np.uint8)
        Image.fromarray(pixels).save(below / f"scene {index // 3}.png")
    return folder


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "latentseg_gui", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


def test_two_hundred_images_killed_halfway_and_continued_are_the_same_files(weights, tmp_path):
    images = small_images(tmp_path / "images", COUNT)
    options = ["--weights", weights, "--format", "coco,png", "--device", "cpu"]
    subprocess.run(
        command("predict", images, "-o", tmp_path / "whole", *options),
        env=environment(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    out = tmp_path / "halfway"
    killed = subprocess.Popen(
        command("predict", images, "-o", out, *options), env=environment(), stdout=subprocess.DEVNULL
    )
    log = out / WORK / "done-0.log"
    try:
        assert wait_until(lambda: log.is_file() and log.read_bytes().count(b"\n") > COUNT // 2, 120)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert not (out / "coco" / "annotations.json").exists()
    assert len(list((out / "png").glob("*.png"))) < COUNT
    again = subprocess.run(
        command("predict", images, "-o", out, *options),
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    assert f"of {COUNT} images were done by an earlier run" in again.stdout
    assert "MP/s (the model alone:" in again.stdout
    assert again.stdout.count("thing") < COUNT
    assert contents(out) == contents(tmp_path / "whole"), "the same files, and nothing else"


def test_a_torn_line_of_the_record_is_made_again(latentseg, weights, folders, tmp_path):
    (folders[0] / "z broken.png").write_bytes(b"")
    arguments = ("predict", folders[0], "-o", tmp_path / "out", "--weights", weights, "--format", "coco")
    assert latentseg(*arguments)[0] == 1
    log = tmp_path / "out" / WORK / "done-0.log"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
    (folders[0] / "z broken.png").unlink()
    code, out, _ = latentseg(*arguments)
    assert code == 0
    assert "2 of 3 images were done" in out
    assert len(json.loads((tmp_path / "out" / "annotations.json").read_text())["images"]) == 3
    assert not (tmp_path / "out" / WORK).exists()


@pytest.mark.parametrize("what", ["image", "mask", "weights"])
def test_what_has_changed_since_is_made_again(latentseg, weights, folders, tmp_path, what):
    (folders[0] / "z broken.png").write_bytes(b"")
    arguments = ["predict", folders[0], "-o", tmp_path / "out", "--weights", weights]
    assert latentseg(*arguments)[0] == 1
    if what == "image":
        Image.new("RGB", (40, 30)).save(folders[0] / "scene 1.png")
    elif what == "mask":
        (tmp_path / "out" / "scene 1.png").unlink()
    else:
        arguments[-1] = weights.with_name("other.safetensors")
        arguments[-1].write_bytes(weights.read_bytes() + b"")
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        arguments[-1].write_bytes(data)
    code, out, _ = latentseg(*arguments)
    assert code == 1
    made = 3 if what == "weights" else 1
    assert out.count("  -> ") == made
    with Image.open(tmp_path / "out" / "scene 1.png") as mask:
        assert mask.size == ((40, 30) if what == "image" else (64, 48))


def test_errors_are_listed_at_the_end_and_only_they_are_tried_again(latentseg, weights, folders, tmp_path):
    broken = folders[0] / "a broken one.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    arguments = ("predict", folders[0], "-o", tmp_path / "out", "--weights", weights)
    code, out, err = latentseg(*arguments)
    assert (code, out.count("  -> ")) == (1, 3)
    assert err.rstrip().splitlines()[-2].strip().startswith("“a broken one.png”")
    Image.new("RGB", (40, 30)).save(broken)
    code, out, _ = latentseg(*arguments)
    assert (code, out.count("  -> ")) == (0, 1)
    assert len(contents(tmp_path / "out")) == 4


def test_a_second_run_into_the_same_folder_is_refused(latentseg, weights, folders, tmp_path):
    from latentseg_gui.document.masks.classes import ClassTable
    from latentseg_gui.io.transfer.batch import BatchFolder, BatchPlan

    held = BatchFolder(tmp_path / "out", BatchPlan(("png",), ClassTable.default(), ""))
    try:
        code, _, err = latentseg("predict", folders[0], "-o", tmp_path / "out", "--weights", weights)
        assert (code, "Another run is writing" in err) == (2, True)
    finally:
        held.close()


def test_images_of_one_name_in_several_folders_can_be_told_apart(latentseg, weights, tmp_path):
    images = small_images(tmp_path / "images", 4)
    code, _, err = latentseg("predict", images, "-o", tmp_path, "--weights", weights, "--format", "coco")
    assert code == 0, err
    names = [each["file_name"] for each in json.loads((tmp_path / "annotations.json").read_text())["images"]]
    assert names == ["day 0/scene 0.png", "day 0/scene 1.png", "day 1/scene 0.png", "day 2/scene 0.png"]


def test_every_page_of_a_file_is_predicted(latentseg, weights, tmp_path):
    pages = [Image.new("RGB", (40, 30), (50 * index, 0, 0)) for index in range(3)]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    code, _, err = latentseg("predict", tmp_path / "stack.tif", "-o", tmp_path / "out", "--weights", weights)
    assert code == 0, err
    assert sorted(contents(tmp_path / "out")) == ["stack.png", "stack_2.png", "stack_3.png"]


def ranks(count: int, *arguments: object) -> list[subprocess.CompletedProcess[str]]:
    """The command line in several processes that know of each other, as torchrun starts them."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = [
        subprocess.Popen(
            command(*arguments),
            env=environment(RANK=str(rank), LOCAL_RANK=str(rank), **shared),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    ended = []
    for process in running:
        out, err = process.communicate(timeout=200)
        ended.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return ended


def test_two_processes_share_the_images_and_the_first_puts_them_together(weights, tmp_path):
    images = small_images(tmp_path / "images", 9)
    (images / "day 1" / "broken.png").write_bytes(b"")
    options = ("--weights", weights, "--format", "coco,png", "--device", "cpu")
    (alone,) = ranks(1, "predict", images, "-o", tmp_path / "alone", *options)
    assert alone.returncode == 1, alone.stderr
    first, second = ranks(2, "predict", images, "-o", tmp_path / "shared", *options)
    assert (first.returncode, second.returncode) == (1, 1), first.stderr + second.stderr
    assert first.stdout.count("thing") + second.stdout.count("thing") <= 9
    assert "5/5" in first.stdout
    assert "5/5" in second.stdout
    assert "1 failed" in first.stderr
    assert "broken.png" in first.stderr
    for name in (tmp_path / "alone").rglob("*.*"):
        if WORK not in name.parts and name.is_file():
            same = tmp_path / "shared" / name.relative_to(tmp_path / "alone")
            assert same.read_bytes() == name.read_bytes(), name


def test_a_share_without_the_others_is_refused_in_words(latentseg, weights, folders, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    code, _, err = latentseg("predict", folders[0], "-o", tmp_path / "out", "--weights", weights)
    assert (code, "torchrun" in err) == (2, True)
    assert not (tmp_path / "out").exists()
