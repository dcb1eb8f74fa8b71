"""Nothing is written that the user was not told of, nor what cannot be written."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from latentseg_gui.panels.output import OutputDialog, OutputQuestion
from latentseg_gui.panels.output.dialog import Scope


def test_a_choice_that_cannot_be_done_is_not_allowed_by_choosing_it_again(
    qtbot: QtBot, tmp_path: Path
) -> None:
    question = OutputQuestion(
        "Export masks",
        "Masks are written.",
        (Scope("all", "All"),),
        (("png", "PNG"), ("coco", "COCO")),
        ("png",),
        "",
        "Export",
    )
    dialog = OutputDialog(question)
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.preview_requested):
        dialog.set_folder(tmp_path)
    chosen = dialog.choice
    assert chosen is not None
    for can_go in (False, True):
        dialog.set_preview(chosen, "", can_go=can_go)
        assert dialog._do.isEnabled() == can_go
        dialog.set_formats(("coco",))
        assert not dialog._do.isEnabled(), "nobody has said what that comes to"
        dialog.set_formats(("png",))
        assert dialog._do.isEnabled() == can_go
