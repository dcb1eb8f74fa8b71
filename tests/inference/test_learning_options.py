"""An option of fine-tuning is declared once: form, command line, job and record follow from the declaration."""

from __future__ import annotations

import argparse
from dataclasses import asdict, fields, replace

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.document.training.learning import LearningSettings, learning_options
from latentseg_gui.headless.training.finetune_options import add_arguments, learning_settings
from latentseg_gui.inference.training.training import config_of
from latentseg_gui.panels.training.settings import SettingsForm
from model.errors import ModelError
from model.training import provenance
from model.training.types import FineTuneConfig, checked_samples

NAMES = [each.name for each in fields(LearningSettings)]
OTHERS = LearningSettings("focal+lovasz", "sgd", 0.001, "all", 0.5, "cross", 7)
"""Every option has another value than by default."""


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["--images", "a", "--masks", "b", "-o", "c.safetensors", *words])


def test_window_and_library_mean_the_same_options() -> None:
    known = {each.name: each.default for each in fields(FineTuneConfig)}
    assert set(learning_options()) == set(FineTuneConfig.options())
    for name, option in learning_options().items():
        assert getattr(LearningSettings(), name) == known[name], name
        assert type(getattr(LearningSettings(), name)) is type(known[name]), name
        assert option.keys == FineTuneConfig.options()[name], name
        assert bool(option.choices) != bool(option.numbers), f"{name}: choices or numbers"
    assert not [name for name in NAMES if getattr(OTHERS, name) == getattr(LearningSettings(), name)]


def test_every_option_reaches_the_job_from_the_window_and_the_command_line() -> None:
    config = config_of(OTHERS, 2)
    assert {name: getattr(config, name) for name in NAMES} == asdict(OTHERS)
    words = [
        word
        for name, option in learning_options().items()
        for word in (option.flag or f"--{name.replace('_', '-')}", str(getattr(OTHERS, name)))
    ]
    assert learning_settings(parsed(*words)) == OTHERS
    assert learning_settings(parsed()) == LearningSettings()


def test_every_option_stands_in_the_record() -> None:
    record = provenance.settings_of(config_of(OTHERS, 2))
    assert {name: record[name] for name in NAMES} == asdict(OTHERS)
    assert provenance.settings_of(FineTuneConfig())["learning_rate"] == "automatic"


@pytest.mark.parametrize("name", [n for n, choices in FineTuneConfig.options().items() if choices])
def test_a_value_that_is_none_of_the_choices_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="nonsense") as caught:
        checked_samples([], replace(FineTuneConfig(), **{name: "nonsense"}))
    assert all(key in str(caught.value.action) for key in learning_options()[name].keys)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_its_row_in_the_form(qtbot: QtBot, name: str) -> None:
    form, option = SettingsForm(), learning_options()[name]
    qtbot.addWidget(form)
    field = next(each for each in form.findChildren(QWidget) if each.accessibleName() == option.title)
    assert field.toolTip()
    changed = replace(LearningSettings(), **{name: getattr(OTHERS, name)})
    form.set_settings(changed)
    assert form.settings == changed


def test_the_help_names_every_value(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--help")
    shown = capsys.readouterr().out
    for name, option in learning_options().items():
        assert (option.flag or f"--{name.replace('_', '-')}") in shown
        assert all(key in shown for key in option.keys), name
