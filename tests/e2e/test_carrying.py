"""Objects carried to other images and pages on the real window: copied, taken over, followed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from latentseg_gui.controllers.masks import carrying
from latentseg_gui.document.types import UNLABELLED, Provenance, Rect
from tests.e2e.conftest import Witness
from tests.e2e.person import Person

SIDE = 320
CENTRES = ((90, 90), (220, 100), (150, 230))
"""(x, y) of the cells of the first page."""


def cells(shift: int) -> np.ndarray:
    """A page of three bright cells on a dark ground, moved by some pixels."""
    rows, cols = np.mgrid[:SIDE, :SIDE]
    page = np.random.default_rng(shift).normal(40, 6, (SIDE, SIDE))
    for x, y in CENTRES:
        page[(rows - y - shift) ** 2 + (cols - x - shift) ** 2 < 28**2] += 150
    return page.clip(0, 255).astype(np.uint8)


COPY_AND_QUIT = """
import sys
from pathlib import Path
from PySide6.QtCore import Qt
from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from tests.e2e.conftest import WeightsController, Witness
from tests.e2e.person import Person

WeightsController.activate_shipped = lambda self: None  # copying needs no model
application.application()
session = application.start(Reporter())
person, told = Person(session), Witness(session.reporter)
person.open(Path(sys.argv[1]))
person.choose("tool_brush")
person.drag((90.0, 90.0), (120.0, 90.0))
person.choose("tool_select")
person.drag((20.0, 20.0), (300.0, 300.0))
person.press(Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
assert told.sentences[-1] == "1 object copied.", told.sentences
application.finish(session)
"""


@pytest.fixture
def stack(person: Person, tmp_path: Path) -> Person:
    """A file of two pages; the cells of the first are accepted, the second is shown."""
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.stack([cells(0), cells(5)]), photometric="minisblack")
    person.open(path)
    person.choose("tool_brush")
    person.session.tool.set_diameter(52)
    for x, y in CENTRES:
        person.drag((float(x), float(y)), (x + 1.0, float(y)))
    first = person.image_id
    person.choose("next_page")
    person.wait_for(lambda: person.image_id != first and person.canvas.image.is_shown, 60, "the second page")
    return person


def objects_here(person: Person) -> int:
    assert person.image_id is not None
    layer = person.session.document.masks.layer(person.image_id)
    return len(np.unique(layer.instances[layer.instances > 0]))


def test_objects_are_copied_and_pasted_on_another_image_as_one_step(
    person: Person, tmp_path: Path, told: Witness
) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(cells(0)).save(tmp_path / name)
    person.open(tmp_path / "a.png")
    person.choose("tool_brush")
    person.session.tool.set_diameter(40)
    for x, y in CENTRES:
        person.drag((float(x), float(y)), (x + 1.0, float(y)))
    mask = person.mask
    person.choose("tool_select")
    person.drag((20.0, 20.0), (300.0, 300.0))
    person.press(Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert told.sentences[-1] == "3 objects copied."
    person.open(tmp_path / "b.png")
    steps = person.session.history.position
    person.press(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert (person.mask[mask != UNLABELLED] == 1).all()
    assert objects_here(person) == 3
    assert person.session.history.position == steps + 1
    assert len(person.session.objects.chosen) == 3, "what was pasted is chosen"
    person.press(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert "Nothing was changed" in told.sentences[-1]
    person.choose("undo")
    assert (person.mask == UNLABELLED).all()


def test_whoever_has_copied_objects_can_quit_as_ever(tmp_path: Path) -> None:
    Image.fromarray(cells(0)).save(tmp_path / "a.png")
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", COPY_AND_QUIT, str(tmp_path / "a.png")],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(("is_own", "is_cleared"), [(True, True), (False, False)])
def test_the_clipboard_of_another_program_is_neither_read_nor_emptied_at_the_end(
    stack: Person, told: Witness, monkeypatch: pytest.MonkeyPatch, *, is_own: bool, is_cleared: bool
) -> None:
    done, clipboard = list[str](), QGuiApplication.clipboard()
    stack.choose("previous_page")
    stack.wait_for(lambda: (stack.mask == 1).any(), 30, "the first page")
    stack.choose("tool_select")
    stack.drag((20.0, 20.0), (300.0, 300.0))
    stack.press(Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    stack.wait_for(lambda: "copied" in told.sentences[-1], what="they are copied")

    class OnADesktop:
        """Where others share the clipboard, and Qt knows whose it is."""

        platformName = staticmethod(lambda: "xcb")  # noqa: N815

        @staticmethod
        def clipboard() -> object:
            return SimpleNamespace(
                ownsClipboard=lambda: is_own,
                mimeData=lambda: (done.append("read"), clipboard.mimeData())[1],
                clear=lambda: done.append("cleared"),
            )

    monkeypatch.setattr(carrying, "QGuiApplication", OnADesktop)
    stack.session.carry.abandon()
    monkeypatch.undo()
    assert ("cleared" in done) == is_cleared
    assert is_own or done == []


def test_objects_of_the_page_before_are_taken_over(stack: Person, told: Witness) -> None:
    person = stack
    person.choose("take_over_objects")
    assert objects_here(person) == 3
    person.choose("undo")
    assert (person.mask == UNLABELLED).all()
    person.choose("previous_page")
    person.wait_for(lambda: (person.mask == 1).any(), 30)
    before = person.mask
    person.choose("take_over_objects")
    assert (person.mask == before).all()
    assert "no objects" in told.sentences[-1], "there is no page before the first"


def test_objects_are_followed_to_the_next_page_and_accepted_one_by_one_or_all(stack: Person) -> None:
    person, session = stack, stack.session
    person.wait_for_prediction()
    person.choose("follow_objects")
    person.wait_for(
        lambda: not session.follow.is_following and len(session.candidates.shown) == 3,
        120,
        "three are proposed",
    )
    assert (person.mask == UNLABELLED).all(), "nothing is accepted yet"
    x, y = CENTRES[0]
    person.choose("tool_click")
    session.candidates.point_at(x + 5.0, y + 5.0, True)
    person.wait_for(lambda: objects_here(person) == 1, 30)
    session.candidates.accept_all()
    person.wait_for(lambda: objects_here(person) == 3, 30)
    rows, cols = np.mgrid[:SIDE, :SIDE]
    for x, y in CENTRES:
        truth = (rows - y - 5) ** 2 + (cols - x - 5) ** 2 < 28**2
        numbers = session.document.masks.instances(str(person.image_id))
        mine = numbers == numbers[y + 5, x + 5]
        assert (truth & mine).sum() / (truth | mine).sum() > 0.7, "it follows the cell, not the place"


def test_following_is_cancelled_at_any_time(stack: Person) -> None:
    person, session = stack, stack.session
    person.choose("follow_objects")
    assert session.follow.is_following
    session.follow.stop()
    assert not session.follow.is_following
    person.wait_for_prediction()
    assert (person.mask == UNLABELLED).all()


@pytest.mark.usefixtures("without_model")
def test_whose_click_model_made_an_object_goes_along_and_back_with_undo(stack: Person) -> None:
    document, second = stack.session.document, stack.image_id
    assert second is not None
    first = document.images.ids[0]
    for number, (x, y) in enumerate(CENTRES, start=3):
        rect = Rect(y - 30, x - 30, y + 30, x + 30)
        everywhere = np.ones(rect.shape, np.bool_)
        document.masks.write(first, rect, everywhere, 1, Provenance.CLICKED, number)
    document.makers.set(first, 3, "mobile_sam")
    stack.choose("take_over_objects")
    stack.wait_for(lambda: objects_here(stack) == len(CENTRES), what="the objects of the page before")

    def titles() -> list[str]:
        here = document.masks.instances(second)
        return [document.makers.of(second, int(here[y, x])) for x, y in CENTRES]

    assert titles() == ["mobile_sam", "", ""]
    stack.choose("undo")
    assert document.makers.of_image(second) == {}
    stack.choose("redo")
    assert titles() == ["mobile_sam", "", ""]
