"""What small files do to the memory: each is given to every reader in a process of its own.

Exceptions alone show nothing: a reader may well refuse a file after it has taken three gigabytes for it.
"""

import json
import subprocess
import sys

import pytest

from tests.io import bombs

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures in /proc")

MEGABYTE = 2**20
ROOM = 300 * MEGABYTE
"""What a reader may take more than it has when it begins: far less than any of these files asks for."""

PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.images.reading import probe, read_image
from latentseg_gui.io.images.thumbnails import thumbnail

sys.modules["warnings"].simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def outcome(read):
    before, began = peak(), time.process_time()
    try:
        said = str(read())
    except LatentsegError as error:
        said = "refused: " + str(error)
    return [said, peak() - before, time.process_time() - began]

path, frames = Path(sys.argv[1]), json.loads(sys.argv[2])
answers = [outcome(lambda: probe(path).frames), outcome(lambda: thumbnail(path).shape)]
answers += [outcome(lambda: read_image(path, frame=frame).shape) for frame in frames]
print(json.dumps(answers))
"""


def outcomes(path, frames=(0,)):
    """What probe, thumbnail and reading say of a file, what memory and what time each of them takes."""
    command = [sys.executable, "-c", PROGRAM, str(path), json.dumps(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not done.stderr, "not a line about what is wrong inside of files"
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", bombs.IMAGES)
def test_a_small_file_never_takes_much_memory(tmp_path, kind):
    path = tmp_path / "bomb.png"
    path.write_bytes(bombs.IMAGES[kind]())
    assert path.stat().st_size < 9 * MEGABYTE
    _, preview, image = outcomes(path)
    for said, taken, seconds in (preview, image):
        assert said.startswith("refused: “bomb.png”"), said
        assert taken < ROOM, f"{taken / MEGABYTE:.0f} MB"
        assert seconds < 5


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("gif", bombs.gif_with_large_second),
        ("mpo", lambda: bombs.mpo_with_large_second(22_000)),
    ],
)
def test_a_later_frame_is_weighed_like_the_first(tmp_path, name, make):
    path = tmp_path / f"two.{name}"
    path.write_bytes(make())
    _, _, _, second = outcomes(path, (0, 1))
    assert second[0].startswith("refused:")
    assert "GB of memory" in second[0]
    assert second[1] < ROOM


def test_frames_of_an_animation_are_counted_and_not_believed(tmp_path):
    path = tmp_path / "animated.png"
    path.write_bytes(bombs.png_of_many_frames(2**31 - 1, real=3))
    count, preview, first, last, none = outcomes(path, (0, 2, 3))
    assert count[0] == "3"
    assert preview[0].startswith("(")
    assert (first[0], last[0]) == ("(4, 6)", "(4, 6)")
    assert "3 pages" in none[0]
