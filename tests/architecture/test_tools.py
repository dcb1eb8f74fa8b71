"""A canvas tool is one entry and its gesture: nothing that is to be known of a tool can be forgotten in silence."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.app.actions import ACTIONS, spec
from latentseg_gui.app.hints import NAMED
from latentseg_gui.canvas.tools import TOOLS
from latentseg_gui.document.masks.tools import Option, ToolName
from latentseg_gui.panels.icons import has_icon
from latentseg_gui.panels.tools import ToolOptionsBar

PACKAGE = Path(__file__).parents[2] / "latentseg_gui"


def test_every_tool_has_one_gesture() -> None:
    assert Counter(gesture.name for gesture in TOOLS) == Counter(ToolName)


@pytest.mark.parametrize("tool", ToolName)
def test_every_tool_can_be_chosen_seen_and_understood(tool: ToolName) -> None:
    action, entry = spec(tool.action), tool.spec
    assert action.is_tool
    assert action.text == entry.text
    assert action.keys == (entry.key,)
    assert entry.key, "a tool is in the hand at the press of a key"
    assert has_icon(entry.icon), f"there is no assets/icons/{entry.icon}.svg"
    assert len(entry.hint) > 20, "the line below the image says what to do"
    assert {name for _, name, _, _ in Formatter().parse(entry.hint) if name} <= set(NAMED)


def test_no_two_tools_are_mistaken_for_each_other() -> None:
    for what in ("text", "key", "icon", "hint"):
        assert len({getattr(tool.spec, what) for tool in ToolName}) == len(ToolName), what
    assert [action.name for action in ACTIONS if action.is_tool] == [tool.action for tool in ToolName]


def test_the_options_bar_offers_what_the_tools_name_and_nothing_else(qtbot: QtBot) -> None:
    bar = ToolOptionsBar()
    qtbot.addWidget(bar)
    named = {option for tool in ToolName for option in tool.spec.options}
    assert named == set(get_args(Option)) == set(bar.option)
    for tool in ToolName:
        bar.set_tool(tool)
        assert {name for name, widget in bar.option.items() if not widget.isHidden()} == set(
            tool.spec.options
        )


def test_there_is_no_second_table_of_tools() -> None:
    """What differs from tool to tool is a field of `ToolSpec`, where no tool can be left out."""
    known = {f"ToolName.{tool.name}" for tool in ToolName} | {repr(tool.action) for tool in ToolName}
    tables = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
            if sum(part is not None and ast.unparse(part) in known for part in parts) > 2:
                tables.append(f"{path.relative_to(PACKAGE)}: {ast.unparse(node)}")
    assert tables == []
