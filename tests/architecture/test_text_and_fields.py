"""Names are never laid out as markup, and no field takes the wheel from the panel that is scrolled: by construction."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "latentseg_gui"

ONLY_IN: dict[str, set[str]] = {
    # made in one place that sets Qt.TextFormat.PlainText
    "QLabel": {"panels/widgets.py"},
    "QMessageBox": {"app/dialogs.py"},
    "QInputDialog": {"app/dialogs.py"},
    # the subclasses in panels/fields.py need the focus before the wheel changes them
    "QSlider": set(),
    "QSpinBox": set(),
    "QDoubleSpinBox": set(),
    "QComboBox": set(),
    "QDial": set(),
}
STATIC = {"QMessageBox", "QInputDialog", "QErrorMessage", "QWhatsThis"}
"""Their static functions lay text out as they like."""


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield path.relative_to(PACKAGE).as_posix(), node


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_what_shows_text_is_made_where_markup_is_switched_off() -> None:
    elsewhere = {
        (path, called(node)) for path, node in calls() if path not in ONLY_IN.get(called(node), {path})
    }
    assert elsewhere == set()


def test_no_static_function_of_qt_shows_text() -> None:
    used = {
        (path, f"{node.func.value.id}.{node.func.attr}")
        for path, node in calls()
        if isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in STATIC
    }
    assert used == set()


def is_safe(node: ast.expr) -> bool:
    """Whether a text was written by us, or has passed `plain`."""
    if isinstance(node, ast.IfExp):
        return is_safe(node.body) and is_safe(node.orelse)
    if isinstance(node, ast.Call):
        is_ours = called(node) in ("tr", "translate") and all(
            isinstance(each, ast.Constant) for each in node.args
        )
        return is_ours or called(node) in ("plain", "with_key")
    return isinstance(node, ast.Constant)


def test_every_tool_tip_is_ours_or_plain() -> None:
    unsafe = [
        f"{path}:{node.lineno}"
        for path, node in calls()
        if (called(node) == "setToolTip" and not is_safe(node.args[-1]))
        or (called(node) == "showText" and not is_safe(node.args[1]))
    ]
    assert unsafe == []


def test_models_hand_out_plain_tool_tips() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "ToolTipRole" in text:
            assert "plain(" in text, path
