"""`latentseg desktop`: an entry in the menu that starts this installation, and goes again."""

from __future__ import annotations

import configparser
import re
import shlex
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from assets import asset_path
from latentseg_gui.headless import desktop

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="desktops of Linux")


def entry_of(folder: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read(folder / "applications" / "latentseg.desktop", encoding="utf-8")
    return parser["Desktop Entry"]


def test_an_entry_with_an_icon_is_written_and_removed(latentseg, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    code, out, _ = latentseg("desktop")
    assert code == 0
    entry = entry_of(tmp_path / "share")
    icon = tmp_path / "share" / "icons" / "hicolor" / "scalable" / "apps" / f"{entry['Icon']}.svg"
    assert ElementTree.parse(icon).getroot().tag.endswith("svg")
    assert str(icon) in out
    command = shlex.split(entry["Exec"])
    assert Path(command[0]).is_file()
    assert command[-1] == "%F"
    assert "image/png" in entry["MimeType"].split(";")
    assert latentseg("desktop")[0] == 0, "once more is the same"
    code, out, _ = latentseg("desktop", "--remove")
    assert code == 0
    assert not [path for path in (tmp_path / "share").rglob("*") if path.is_file()]
    assert latentseg("desktop", "--remove")[1] == "There was no entry.\n"


def test_a_folder_that_cannot_be_written_is_said(latentseg, monkeypatch, tmp_path):
    (tmp_path / "share").write_text("a file")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    code, _, err = latentseg("desktop")
    assert code == 2
    assert "part of the path is not a folder" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "word", ["/opt/latentseg", "/home/a b/latentseg", "/x/it's", '/x/"y"', "/x/$HOME`id`", "/x/100%", "/x\\y"]
)
def test_any_path_stays_one_word_of_the_command(word):
    value = desktop.quoted(word).replace("\\\\", "\\")  # what the value of any key undergoes
    if value.startswith('"'):
        assert value.endswith('"')
        value = re.sub(r'\\(["`$\\])', r"\1", value[1:-1])
    else:
        assert not set(value) & set(" \"'\\$`")
    assert value.replace("%%", "%") == word


def test_the_entry_is_the_one_that_the_window_belongs_to():
    assert asset_path("desktop", "latentseg.desktop").stem == "latentseg", (
        "setDesktopFileName, StartupWMClass"
    )
    assert "Exec=latentseg %F" in asset_path("desktop", "latentseg.desktop").read_text(encoding="utf-8")


def test_elsewhere_it_says_what_to_do(latentseg, monkeypatch):
    monkeypatch.setattr(desktop.sys, "platform", "darwin")
    code, _, err = latentseg("desktop")
    assert code == 2
    assert "shortcut" in err
