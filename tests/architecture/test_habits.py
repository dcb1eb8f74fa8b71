"""What CONTRIBUTING promises of commits, types, the version and the README is checked."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUBJECTS = ROOT / ".ci" / "subjects"


def check_subjects(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SUBJECTS, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_commit_subjects_fit_into_a_line_of_the_log() -> None:
    found = check_subjects()
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    ("subject", "fits"), [("a" * 72, True), ("ä" * 72, True), ("a" * 73, False), ("", True)]
)
def test_a_message_is_checked_before_it_is_a_commit(tmp_path: Path, subject: str, fits: bool) -> None:
    message = tmp_path / "COMMIT_EDITMSG"
    message.write_text(f"{subject}\n\n{'reasons ' * 20}\n", encoding="utf-8")
    found = check_subjects(str(message))
    assert (found.returncode == 0) == fits
    assert ("72 at most" in found.stderr) != fits


def test_make_check_and_the_hooks_check_the_same() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    checks = makefile[makefile.index("\ncheck:") : makefile.index("$(VENV)/.python:")]
    for tool in ("ruff check", "ruff format", "mypy", "lint-imports", ".ci/subjects"):
        assert tool in hooks
        assert tool in checks


def test_both_packages_hand_out_their_types() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "package-data"
    ]
    for package in ("model", "latentseg_gui"):
        assert (ROOT / package / "py.typed").exists()
        assert "py.typed" in data[package]


def test_the_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "latentseg_gui.__version__"}
    said = [
        path.relative_to(ROOT).as_posix()
        for package in ("model", "latentseg_gui")
        for path in sorted((ROOT / package).rglob("*.py"))
        if re.search(r"^__version__\s*=", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert said == ["latentseg_gui/__init__.py"]


def test_every_decision_has_a_number_and_a_date() -> None:
    records = sorted((ROOT / "latentseg_gui" / "decisions").glob("*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for path in records:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith(f"# {int(path.name[:4])}. "), path.name
        assert re.match(r"20\d\d-\d\d(-\d\d)?\. Accepted\.", lines[2]), path.name


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
