"""Whoever reads tensor code need not run it to know what shape a tensor has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESHAPING = {"reshape", "view", "permute", "flatten", "unflatten", "movedim", "transpose"}
COMMENT = re.compile(r"#.*\[.*\]")


def _with_parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def _is_reshaping(node: ast.AST) -> bool:
    """Whether a call changes the shape to something that the call does not tell; ``flatten()`` tells it."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    return node.func.attr in RESHAPING and bool(node.args)


def _is_in_product(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether it (or a chain that it begins) is multiplied as a matrix: there, turning it is part of the formula."""
    above = parents[node]
    while isinstance(above, ast.Attribute | ast.Call):
        if isinstance(above, ast.Call) and isinstance(above.func, ast.Attribute) and "mm" in above.func.attr:
            return True
        above = parents[above]
    return isinstance(above, ast.BinOp) and isinstance(above.op, ast.MatMult)


def _lines_of(node: ast.AST, parents: dict[ast.AST, ast.AST], lines: list[str]) -> str:
    """The statement around a call, with the line above it."""
    statement = node
    while not isinstance(statement, ast.stmt):
        statement = parents[statement]
    end = node.end_lineno if hasattr(statement, "body") else statement.end_lineno  # type: ignore[attr-defined]
    return "\n".join(lines[statement.lineno - 2 : end])


def untold(source: str) -> Iterator[int]:
    """Lines with a reshape whose result no comment tells."""
    tree, lines = ast.parse(source), source.splitlines()
    parents = _with_parents(tree)
    for node in ast.walk(tree):
        if not _is_reshaping(node):
            continue
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Attribute)
        if node.func.attr == "transpose" and _is_in_product(node, parents):
            continue
        if not COMMENT.search(_lines_of(node, parents, lines)):
            yield node.lineno


def test_a_shape_comment_follows_every_reshape() -> None:
    files = (path for path in sorted((ROOT / "model").rglob("*.py")) if "import torch" in path.read_text())
    missing = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in untold(path.read_text())]
    assert not missing, "say what shape comes out, as in `# [B, K, D]`"


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("y = x.view(2, -1)", False),
        ("y = x.view(2, -1)  # [2, N]", True),
        ("y = x.flatten()", True),
        ("y = a @ b.transpose(1, 2).to(c)", True),
        ("y = b.transpose(1, 2)", False),
    ],
)
def test_the_rule_sees_what_is_told(line: str, is_told: bool) -> None:
    assert (not list(untold(f"\n{line}\n"))) == is_told
