"""Jobs are typed from the question to whoever hears the answer, and their order stands in one table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "latentseg_gui"
ROOMS = ("controllers", "workers", "inference")
SOURCES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for room in (*ROOMS, "app")
    for path in sorted((PACKAGE / room).rglob("*.py"))
}


def calls_of_submit(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "submit":
            yield node


def handed_over(call: ast.Call) -> str:
    """The method that a job's answer is given to; "" for anything else."""
    target = call.args[1] if len(call.args) > 1 else None
    if isinstance(target, ast.Call) and getattr(target.func, "id", "") == "partial":
        target = target.args[0]
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def test_no_answer_is_an_object() -> None:
    """Who hears an answer says what it is; `Jobs` has checked it."""
    vague = [
        f"{name}:{node.lineno}"
        for name, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.arg | ast.AnnAssign)
        and (node.arg if isinstance(node, ast.arg) else getattr(node.target, "id", "")) == "answer"
        and ast.unparse(node.annotation or ast.Constant(None)) == "object"
    ]
    assert vague == []


def test_who_hears_an_answer_says_its_type_and_does_not_ask_for_it() -> None:
    """The last argument of what `submit` is given, whatever it is called; one that is ignored is called `_`."""
    vague = []
    for name, tree in SOURCES.items():
        heard = {handed_over(call) for call in calls_of_submit(tree)} - {""}
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef) or node.name not in heard or not node.args.args:
                continue
            last = node.args.args[-1]
            kind = "" if last.annotation is None else ast.unparse(last.annotation)
            if last.arg != "_" and kind in ("", "object", "Any"):
                vague.append(f"{name}:{node.name}({last.arg}: {kind})")
    assert vague == []


def test_priorities_stand_in_one_table() -> None:
    numbers = [
        f"{name}:{call.lineno}"
        for name, tree in SOURCES.items()
        for call in calls_of_submit(tree)
        for keyword in call.keywords
        if keyword.arg == "priority" and not ast.unparse(keyword.value).startswith(("Priority.", "priority"))
        if "Priority." not in ast.unparse(keyword.value)
    ]
    named = [
        f"{name}:{node.lineno}"
        for name, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any("PRIORITY" in ast.unparse(target).upper() for target in node.targets)
        and "Priority." not in ast.unparse(node.value)
    ]
    # `Jobs` and the lanes hand on what they are given.
    assert [
        each for each in (*numbers, *named) if not each.startswith(("controllers/jobs.py", "workers/"))
    ] == []
