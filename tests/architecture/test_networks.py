"""Networks are modules as torch users know them, every one of them: flat arguments, one kind of answer, buffers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODEL = sorted((ROOT / "model").rglob("*.py"))

GIVEN_ARGUMENTS = {"VisionTransformerForSegmentation"}
"""Its argument is that of the description of the network."""

GIVEN_ANSWERS = {"SegmentationModel"}
"""Logits, or logits and maps where they are asked for, as its description has it; overloads say which."""


def classes_with_forward() -> Iterator[tuple[str, ast.ClassDef, dict[str, ast.FunctionDef]]]:
    """("path:name", class, its methods by name) of every class of the library that torch calls."""
    for path in MODEL:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
                if "forward" in methods:
                    yield f"{path.relative_to(ROOT).as_posix()}:{node.name}", node, methods


def takes_a_bundle(init: ast.FunctionDef) -> bool:
    """Whether an argument holds several values that could have been named one by one."""
    every = (*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs)
    kinds = {
        name.id
        for each in every
        if each.annotation
        for name in ast.walk(each.annotation)
        if isinstance(name, ast.Name)
    }
    return any(kind.endswith(("Config", "Args", "Options")) for kind in kinds)


def is_one_kind(answer: ast.expr | None) -> bool:
    """Whether a return type is said, and is not one of several."""
    if answer is None or (isinstance(answer, ast.BinOp) and isinstance(answer.op, ast.BitOr)):
        return False
    return "Any" not in {each.id for each in ast.walk(answer) if isinstance(each, ast.Name)}


def test_networks_are_built_from_flat_arguments() -> None:
    found = list(classes_with_forward())
    assert len(found) > 50
    bundled = {node.name for _, node, methods in found if takes_a_bundle(methods.get("__init__", _NOTHING))}
    assert bundled == GIVEN_ARGUMENTS


def test_forward_gives_one_kind_of_answer() -> None:
    loose = {
        node.name
        for _, node, methods in classes_with_forward()
        if not is_one_kind(methods["forward"].returns)
    }
    assert loose == GIVEN_ANSWERS


def test_no_forward_makes_its_constants_anew() -> None:
    """Numbers that never change are buffers: they travel with the network, and are made once."""
    made = [
        f"{where}:{call.lineno}"
        for where, _, methods in classes_with_forward()
        for call in ast.walk(methods["forward"])
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("torch.tensor", "torch.as_tensor")
        if all(isinstance(each, ast.Constant | ast.Tuple | ast.List) for each in call.args)
    ]
    assert made == []


def test_no_forward_is_replaced() -> None:
    """Hooks, compilers and exporters see what a class says it does."""
    replaced = [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for path in MODEL
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr == "forward" and isinstance(node.ctx, ast.Store))
        or (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and node.slice.value == "forward"
        )
    ]
    assert replaced == []


def _function(text: str) -> ast.FunctionDef:
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef)
    return node


_NOTHING = _function("def __init__(self): ...")


def test_the_rules_see_what_they_forbid() -> None:
    assert takes_a_bundle(_function("def __init__(self, sizes: NetworkConfig | None = None): ..."))
    assert not takes_a_bundle(_function("def __init__(self, *, width: int, depths: tuple[int, ...]): ..."))
    for text in ("Tensor", "tuple[Tensor, Tensor | None]", "list[Tensor]"):
        assert is_one_kind(_function(f"def forward(self) -> {text}: ...").returns)
    for text in ("Tensor | None", "Any"):
        assert not is_one_kind(_function(f"def forward(self) -> {text}: ...").returns)
    assert not is_one_kind(_function("def forward(self): ...").returns)
