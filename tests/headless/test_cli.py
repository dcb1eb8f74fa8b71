"""The front door: what is started, what is said when it cannot be."""

import subprocess
import sys

import pytest

from latentseg_gui import cli
from latentseg_gui.app import main as app_main


@pytest.mark.parametrize("arguments", [[], ["photo.png"], ["some/folder", "b.png"], ["predicted.png"]])
def test_without_a_subcommand_the_window_opens_with_the_arguments(monkeypatch, arguments):
    opened = []
    monkeypatch.setattr(app_main, "main", lambda argv: opened.append(argv) or 7)
    assert cli.main(arguments) == 7
    assert opened == [arguments]


def test_help_and_version_import_neither_qt_nor_torch():
    program = (
        "import sys\nfrom latentseg_gui.cli import main\n"
        "for arguments in (['--help'], ['--version'], ['predict', '--help'], ['doctor', '--help']):\n"
        "    try:\n        main(arguments)\n    except SystemExit as end:\n        assert end.code == 0\n"
        "assert not {'torch', 'PySide6'} & set(sys.modules), sys.modules.keys()\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert outcome.returncode == 0, outcome.stderr
    for name in cli.SUBCOMMANDS:
        assert name in outcome.stdout


@pytest.mark.parametrize("name", list(cli.SUBCOMMANDS))
def test_every_subcommand_explains_itself(latentseg, name):
    code, out, _ = latentseg(name, "--help")
    assert code == 0
    assert "usage: latentseg" in out


def test_wrong_options_are_code_2(latentseg):
    code, _, err = latentseg("predict")
    assert code == 2
    assert "IMAGE" in err


def test_an_unexpected_error_is_one_sentence(latentseg, monkeypatch, tmp_path):
    from latentseg_gui.headless import predict

    def explode(options):
        raise RuntimeError("gears\ngrinding")

    monkeypatch.setattr(predict, "run", explode)
    code, _, err = latentseg("predict", "a.png", "-o", tmp_path)
    assert code == 2
    assert err.count("\n") == 1
    assert "RuntimeError: gears" in err
    with pytest.raises(RuntimeError):
        latentseg("predict", "a.png", "-o", tmp_path, "--debug")


def test_ctrl_c_is_no_traceback(latentseg, monkeypatch, tmp_path):
    from latentseg_gui.headless import predict

    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "run", interrupted)
    assert latentseg("predict", "a.png", "-o", tmp_path) == (130, "", "latentseg: stopped.\n")
