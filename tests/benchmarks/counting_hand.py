"""A person whose gestures are counted, and the seconds in which they can but wait for the tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox
from scipy import ndimage

from latentseg_gui.app.actions import spec
from latentseg_gui.app.session import Session
from latentseg_gui.io.masks import FORMATS
from latentseg_gui.panels.output import OutputDialog
from tests.e2e.person import LEFT, RIGHT, XY, Person

Mask = NDArray[np.bool_]

_MENU = 2
"""Clicks for an entry of a menu that has no key."""


@dataclass(slots=True)
class Gestures:
    """What a hand has done.

    Attributes:
        clicks: of the mouse, also those into menus and dialogs.
        keys: pressed; with a modifier it is one.
        drags: of the mouse.
        choices: files or folders picked in the dialog of the system.
    """

    clicks: int = 0
    keys: int = 0
    drags: int = 0
    choices: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.clicks + self.keys + self.drags + self.choices


class CountingHand(Person):
    """Drives one `Session` as a person does who knows its keys."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.gestures = Gestures()
        self.waited = 0.0

    def wait_for(self, is_so: Callable[[], object], seconds: float = 3600.0, what: str = "") -> None:
        """As of a person; the time counts."""
        began = monotonic()
        super().wait_for(is_so, seconds, what)
        self.waited += monotonic() - began

    def choose(self, action: str) -> None:
        """By its key, or where there is none out of the menu."""
        if spec(action).keys:
            self.gestures.keys += 1
        else:
            self.gestures.clicks += _MENU
        super().choose(action)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """A key over the canvas."""
        self.gestures.keys += 1
        super().press(key, modifier)

    def click(self, xy: XY, button: Qt.MouseButton = LEFT) -> None:
        """On a place of the image."""
        self.gestures.clicks += 1
        super().click(xy, button)

    def drag(self, *way: XY, button: Qt.MouseButton = LEFT) -> None:
        """Along places of the image."""
        self.gestures.drags += 1
        super().drag(*way, button=button)

    def take_up(self, xy: XY) -> None:
        """Ctrl and a click on an object that is there."""
        self.gestures.clicks += 1
        QTest.mouseClick(self.canvas, LEFT, Qt.KeyboardModifier.ControlModifier, self.at(xy))
        QApplication.processEvents()

    def open_images(self, path: Path) -> None:
        """A file or a folder, through the dialog of the system, until its first image is there."""
        action = "open_folder" if path.is_dir() else "open_images"
        with self._picking(path):
            self.choose(action)
        self.wait_for(lambda: self.image_id and self.canvas.image.is_shown, what="the image is shown")

    def import_masks(self, folder: Path) -> None:
        """A folder of masks; what is asked about them is answered as it is suggested."""
        importing = self.session.importing
        with self._picking(folder):
            self.choose("import_folder")
        self.wait_for(lambda: importing.dialog is not None or importing.is_running, what="masks are found")
        if importing.dialog is not None:
            self.gestures.keys += 1
            QTest.keyClick(importing.dialog, Qt.Key.Key_Return)
        self.wait_for(lambda: importing.dialog is None and not importing.is_running, what="they are imported")

    def write(self, action: str, target: Path, *formats: str) -> Path:
        """Fills in the dialog of what is written, and waits until it is; where it was written.

        Args:
            action: that opens the dialog.
            target: where to write, where nothing is suggested.
            formats: that are wanted.
        """
        session = self.session
        self.choose(action)
        dialog = session.export.output.dialog or session.batch.output.dialog
        assert dialog is not None, action
        choice = self._fill_in(dialog, target, formats)
        self.wait_for(dialog._do.isEnabled, what="it can go")
        self.gestures.keys += 1
        QTest.keyClick(dialog, Qt.Key.Key_Return)
        self.wait_for(
            lambda: not session.export.is_busy and not session.batch.is_running, what="it is written"
        )
        self.wait_for(choice.is_dir, what="the folder is there")
        self.wait_for(
            lambda: not session.export.is_busy and not session.batch.is_running, what="all is written"
        )
        return choice

    def _fill_in(self, dialog: OutputDialog, target: Path, formats: tuple[str, ...]) -> Path:
        boxes = {each.text(): each for each in dialog.findChildren(QCheckBox)}
        for name, each in FORMATS.items():
            box = boxes[each.label]
            if box.isChecked() != (name in formats):
                self.gestures.clicks += 1
                box.click()
        if dialog.choice is None:
            self.gestures.clicks += 1  # the button beside the field
            self.gestures.choices += 1
            dialog.set_folder(target)
        assert dialog.choice is not None
        return dialog.choice.folder

    def point_at(self, truth: Mask, *, goal: float = 0.85, most: int = 4) -> float:
        """Clicks into the middle of the largest error until the IoU is ``goal``; the IoU at the end."""
        shown = self.proposed
        for _ in range(most):
            if overlap(shown, truth) >= goal:
                break
            xy, is_on = deepest_error(shown, truth)
            self.click(xy, LEFT if is_on else RIGHT)
            self.wait_for_proposal()
            shown = self.proposed
        return overlap(shown, truth)

    @property
    def proposed(self) -> Mask:
        """The proposal that is shown, bool [H, W]."""
        assert self.image_id is not None
        whole = np.zeros(self.mask.shape, np.bool_)
        proposal = self.session.document.prompts.proposal(self.image_id)
        if proposal is not None:
            whole[proposal.rect.slices] = proposal.mask
        return whole

    @contextmanager
    def _picking(self, path: Path) -> Iterator[None]:
        """The dialog of the system answers with ``path`` at once."""
        dialogs, before = self.session.dialogs, dict(vars(self.session.dialogs))
        vars(dialogs).update(choose_images=lambda *_: [path], choose_folder=lambda *_: path)
        self.gestures.choices += 1
        try:
            yield
        finally:
            vars(dialogs).clear()
            vars(dialogs).update(before)

    @contextmanager
    def agreeing(self) -> Iterator[None]:
        """Questions are answered with Enter: by the first of what can be done."""
        dialogs = self.session.dialogs

        def first(title: str, text: str, actions: list[tuple[str, str]]) -> str:
            self.gestures.keys += 1
            return actions[0][0]

        vars(dialogs)["choose_action"] = first
        try:
            yield
        finally:
            del vars(dialogs)["choose_action"]


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union, 0..1."""
    return float(np.count_nonzero(one & other) / max(1, np.count_nonzero(one | other)))


def deepest_error(shown: Mask, truth: Mask) -> tuple[XY, bool]:
    """The place (x, y) deepest inside of what is wrong, and whether it belongs to the object."""
    missing, extra = (
        ndimage.distance_transform_edt(np.pad(each, 1))[1:-1, 1:-1]
        for each in (truth & ~shown, shown & ~truth)
    )
    is_on = bool(missing.max() >= extra.max())
    row, col = np.unravel_index(int((missing if is_on else extra).argmax()), truth.shape)
    return (float(col) + 0.5, float(row) + 0.5), is_on
