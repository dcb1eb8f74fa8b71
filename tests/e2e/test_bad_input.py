"""Bad input: a clear sentence that says what to do, and nothing else changes."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.conftest import Witness
from tests.e2e.person import Person


@pytest.fixture
def truncated(tmp_path: Path, skimage_photo: Path) -> Path:
    path = tmp_path / "truncated.png"
    path.write_bytes(skimage_photo.read_bytes()[:20_000])
    return path


@pytest.fixture
def text_named_png(tmp_path: Path) -> Path:
    path = tmp_path / "letter.png"
    path.write_text("Dear Sir or Madam,\n" * 50)
    return path


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("kind", ["truncated", "text_named_png"])
def test_an_image_that_cannot_be_read_leaves_the_one_before_open(
    person: Person, told: Witness, skimage_photo: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    bad: Path = request.getfixturevalue(kind)
    person.open(skimage_photo)
    before, mask = person.image_id, person.mask
    person.session.images.open([bad])
    person.wait_for(lambda: told.errors, what="the error is shown")
    error = told.errors[0]
    assert bad.name in error.what
    assert error.action
    assert person.image_id == before
    assert (person.mask == mask).all()
    assert person.canvas.image.is_shown
    assert person.window.messages.messages[-1].what == error.what


def test_a_folder_without_images_says_which_kinds_it_looks_for(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no pictures here")
    person.session.images.open([tmp_path])
    person.wait_for(lambda: told.errors, what="the error is shown")
    assert tmp_path.name in told.errors[0].what
    assert "png" in told.errors[0].action
    assert person.session.document.images.ids == ()


@pytest.mark.parametrize("name", ["evil.safetensors", "evil.pt"])
def test_a_hostile_pickle_given_as_weights_is_refused_and_never_run(
    person: Person, told: Witness, tmp_path: Path, name: str
) -> None:
    session, marker = person.session, tmp_path / "executed"
    (tmp_path / name).write_bytes(pickle.dumps(Trap(marker)))
    person.wait_for(lambda: session.weights.live is not None, what="the shipped weights are live")
    session.images.open([tmp_path / name])
    person.wait_for(lambda: told.errors, what="the error is shown")
    assert name in told.errors[0].what
    assert told.errors[0].action
    assert not marker.exists()
    assert session.weights.live is not None
    assert session.weights.live.version == "shipped"
    assert list(session.weights.versions) == ["shipped"]


def test_a_good_image_among_bad_ones_still_opens(
    person: Person, told: Witness, tmp_path: Path, text_named_png: Path
) -> None:
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / "z_good.png")
    person.session.images.open([text_named_png, tmp_path / "z_good.png"])
    person.wait_for(lambda: told.errors, what="the error is shown")
    good = person.session.document.images.ids[1]
    person.session.images.show(good)
    person.wait_for(lambda: person.image_id == good, what="the good one is shown")


def test_the_thinnest_images_open_are_predicted_painted_and_exported(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    """I-04, in the window."""
    session = person.session
    for number, shape in enumerate([(1, 1), (1, 40), (40, 1), (1, 65500)]):
        path = tmp_path / f"thin {number}.png"
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (*shape, 3), np.uint8)).save(path)
        person.open(path)
        person.wait_for_prediction()
        person.choose("actual_size")  # fitted to the window, the last one is a hundredth of a pixel high
        person.choose("tool_brush")
        middle = shape[1] / 2, shape[0] / 2
        person.drag(middle, middle)
        mask = person.mask
        assert mask.shape == shape
        assert (mask == 1).any()
        target = tmp_path / f"mask {number}.png"
        session.export.export_to(target, "png")
        person.wait_for(target.exists, 30, "it is exported")
        with Image.open(target) as exported:
            assert exported.size == shape[::-1]
            assert (np.asarray(exported)[mask == 1] == 1).all()
    assert not told.errors
