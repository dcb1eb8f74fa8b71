"""Where masks go by default: beside their images, never among the files of the program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from latentseg_gui.app.samples import sample_paths
from latentseg_gui.io.naming import folder_beside


def test_masks_go_beside_the_folder_of_their_images(tmp_path: Path) -> None:
    assert folder_beside(tmp_path / "cells") == tmp_path / "cells masks"


def test_where_no_other_folder_can_be_made_they_go_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    assert folder_beside(tmp_path / "card") == tmp_path / "card" / "masks"


def test_those_of_samples_go_home(own_home: Path) -> None:
    folder = folder_beside(sample_paths()[0].parent)
    assert folder.parent == own_home
    assert not folder.is_relative_to(sys.prefix)
