"""What small mask files, small images and small projects do to the memory of the command line."""

import base64
import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.io import bombs

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures in /proc")

MEGABYTE = 2**20
ROOM = 400 * MEGABYTE
PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
from latentseg_gui import cli
try:
    code = cli.main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
sys.exit(code)
"""


def latentseg(*arguments):
    """Exit code, what is said, and the bytes that were taken at most."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    said, _, peak = done.stderr.rpartition("peak ")
    assert peak, done.stderr[-2000:]
    return done.returncode, done.stdout + said, int(peak)


@pytest.fixture
def folders(tmp_path):
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (60, 40), "grey").save(images / f"{name}.png")
    good = np.zeros((40, 60), np.uint8)
    good[5:20, 5:25] = 1
    Image.fromarray(good).save(masks / "a.png")
    return images, masks


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """What importing a plain mask takes."""
    folder = tmp_path_factory.mktemp("usual")
    images, masks = folder / "images", folder / "masks"
    for place in (images, masks):
        place.mkdir()
        Image.new("L", (60, 40), 1).save(place / "a.png")
    code, said, peak = latentseg("import", "--images", images, "--masks", masks, "-o", folder / "project")
    assert code == 0, said
    return peak


def labelme(png):
    """A file of labelme whose only shape is a picture."""
    shape = {"label": "leaf", "shape_type": "mask", "points": [[0, 0], [1, 1]]}
    shape["mask"] = base64.b64encode(png).decode()
    return json.dumps({"shapes": [shape], "imageWidth": 60, "imageHeight": 40, "imagePath": "b.png"}).encode()


MASKS = {
    "large png": ("b.png", lambda: bombs.png_of_one_colour(40_000)),
    "strip of zeros": ("b.tif", lambda: bombs.tiff_page(60, 40, bombs.zeros_deflated(2 * 2**30), 8)),
    "packed bits": ("b.tif", lambda: bombs.tiff_page(60, 40, b"\x81\0" * 3_000_000, 32773)),
    "tiles": ("b.tif", lambda: bombs.tiff_of_tiles(4000, 1)),
    "tags": ("b.tif", bombs.tiff_of_tags),
    "picture in labelme": ("b.json", lambda: labelme(bombs.png_of_one_colour(20_000))),
}


@pytest.mark.parametrize("kind", MASKS)
def test_a_small_mask_takes_little_and_the_others_come_in(folders, tmp_path, usual, kind):
    images, masks = folders
    name, make = MASKS[kind]
    (masks / name).write_bytes(make())
    code, said, peak = latentseg("import", "--images", images, "--masks", masks, "-o", tmp_path / "project")
    assert peak < usual + ROOM, f"{peak / MEGABYTE:.0f} MB instead of {usual / MEGABYTE:.0f}: {said[-500:]}"
    assert code in (0, 1)
    assert "1 of 2" in said or "1 mask" in said, said
    assert (tmp_path / "project").is_dir()


def test_outlines_for_an_image_that_no_one_can_open_are_refused(folders, tmp_path, usual):
    images, masks = folders
    (images / "b.png").write_bytes(bombs.IMAGES["large png"]())
    (masks / "b.txt").write_text("0 0.1 0.1 0.9 0.1 0.9 0.9\n")
    code, said, peak = latentseg("import", "--images", images, "--masks", masks, "-o", tmp_path / "project")
    assert code in (0, 1)
    assert "65535 x 65535" in said
    assert peak < usual + ROOM, f"{peak / MEGABYTE:.0f} MB"


@pytest.mark.parametrize("is_counted", [True, False])
def test_a_project_with_a_mask_beyond_all_images_opens_without_it(folders, tmp_path, usual, is_counted):
    images, masks = folders
    project = tmp_path / "project"
    assert latentseg("import", "--images", images, "--masks", masks, "-o", project)[0] == 0
    manifest = next(path for path in project.iterdir() if path.suffix == ".json")
    content = json.loads(manifest.read_text())
    entry = next(each for each in content["images"] if each.get("mask"))
    data = bombs.png_of_one_colour(40_000)
    name = f"{hashlib.sha256(data).hexdigest()}.png"
    (project / "masks" / name).write_bytes(data)
    entry["mask"]["labels"] = entry["mask"]["provenance"] = name
    entry["mask"]["labelled"] = 1 if is_counted else None
    entry["shape"] = [40_000, 40_000]
    manifest.write_text(json.dumps(content))
    code, said, peak = latentseg("export", project, "-o", tmp_path / "out", "--format", "png")
    assert peak < usual + ROOM, f"{peak / MEGABYTE:.0f} MB instead of {usual / MEGABYTE:.0f}: {said[-500:]}"
    assert code != 0
    assert "mask" in said


@pytest.mark.timeout(120)
def test_pipes_among_masks_and_images_stop_nothing(folders, tmp_path):
    images, masks = folders
    for name in ("b.png", "b.tif", "b.json", "b.txt", "b.npy", "b.geojson", "classes.txt", "data.yaml"):
        os.mkfifo(masks / name)
    os.mkfifo(images / "pipe.jpg")
    code, said, _ = latentseg("import", "--images", images, "--masks", masks, "-o", tmp_path / "project")
    assert code in (0, 1), said
    assert "“pipe.jpg”" in said
    assert (tmp_path / "project").is_dir()
