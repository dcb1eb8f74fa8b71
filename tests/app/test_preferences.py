"""Settings: remembered between starts; a broken file costs nothing but the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentseg_gui.app.actions import spec
from latentseg_gui.app.preferences import Preferences, load_preferences, save_preferences
from latentseg_gui.document.errors import LatentsegError


def test_what_was_saved_comes_back_with_the_keys_of_newer_versions(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    mine = Preferences.model_validate({"theme": "dark", "key_of_tomorrow": [1, 2]})
    save_preferences(path, mine)
    again, error = load_preferences(path)
    assert error is None
    assert again.theme == "dark"
    assert again.model_dump()["key_of_tomorrow"] == [1, 2]


def test_a_first_start_has_defaults_and_no_complaint(tmp_path: Path) -> None:
    assert load_preferences(tmp_path / "none.json") == (Preferences(), None)


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff\x13", b"{", b'{"theme": 7}', b"[]"])
def test_a_corrupt_file_means_defaults_said_once(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(garbage)
    settings, error = load_preferences(path)
    assert settings == Preferences()
    assert error is not None
    assert "settings.json" in error.what
    assert error.action


def test_a_folder_in_the_way_is_reported_not_raised(tmp_path: Path) -> None:
    settings, error = load_preferences(tmp_path)
    assert settings == Preferences()
    assert error is not None


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LatentsegError) as caught:
        save_preferences(tmp_path / "file" / "settings.json", Preferences())
    assert caught.value.action


def test_recent_paths_are_kept_newest_first_and_only_twelve(tmp_path: Path) -> None:
    settings = Preferences()
    for number in range(20):
        settings.remember(tmp_path / f"{number}.png")
    settings.remember(tmp_path / "12.png")
    assert settings.recent[0] == str(tmp_path / "12.png")
    assert len(settings.recent) == 12
    assert len(set(settings.recent)) == 12


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), b"bytes", Path("/x"), object(), {"deep": {3}}])
def test_what_cannot_be_written_costs_nothing_else(tmp_path: Path, value: object) -> None:
    path = tmp_path / "settings.json"
    mine = Preferences.model_validate({"theme": "dark", "of_a_plug_in": value, "key_of_tomorrow": 1})
    save_preferences(path, mine)
    again, error = load_preferences(path)
    assert error is None
    assert again.theme == "dark"
    assert again.model_dump()["key_of_tomorrow"] == 1


def test_names_that_are_no_text_come_back_as_they_were(tmp_path: Path) -> None:
    path, strange = tmp_path / "settings.json", tmp_path / "caf\udce9" / "x.png"
    mine = Preferences(theme="dark")
    mine.remember(strange)
    save_preferences(path, mine)
    path.read_bytes().decode("ascii")
    assert load_preferences(path) == (mine, None)
    assert mine.recent == [str(strange)]


def test_one_bad_value_does_not_cost_the_others(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "light", "overlay_opacity": 7, "recent": ["a"], "shortcuts": 3}')
    settings, error = load_preferences(path)
    assert (settings.theme, settings.recent, settings.overlay_opacity) == ("light", ["a"], 0.45)
    assert error is not None


def test_a_key_given_to_an_action_that_had_another_name_stays_with_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"shortcuts": {"next_place": "Ctrl+J", "undo": "Z"}}')
    settings, error = load_preferences(path)
    assert error is None
    assert settings.shortcuts == {"next_uncertain_region": "Ctrl+J", "undo": "Z"}
    path.write_text('{"shortcuts": {"next_uncertain_region": "F7", "next_place": "Ctrl+J"}}')
    assert load_preferences(path)[0].shortcuts == {"next_uncertain_region": "F7"}
    assert all(spec(name) for name in settings.shortcuts), "actions of today"
