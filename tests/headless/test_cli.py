"""The front door: what is started, what is said when it cannot be."""

import io
import subprocess
import sys

import pytest

from latentseg_gui import cli
from latentseg_gui.app import main as app_main


@pytest.mark.parametrize("arguments", [[], ["photo.png"], ["some/folder", "b.png"], ["predicted.png"]])
def test_without_a_subcommand_the_window_opens_with_the_arguments(monkeypatch, tmp_path, arguments):
    opened = []
    monkeypatch.chdir(tmp_path)
    for name in arguments:
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(app_main, "main", lambda argv: opened.append(argv) or 7)
    assert cli.main(arguments) == 7
    assert opened == [arguments]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["predcit", "photo.png"], "There is no file “predcit”. Did you mean “latentseg predict”?"),
        (["foo"], "There is no file “foo”."),
        (["here.png", "gone.png"], "There is no file “gone.png”."),
    ],
)
def test_a_mistyped_name_opens_no_window(monkeypatch, tmp_path, latentseg, arguments, said):
    monkeypatch.setattr(app_main, "main", lambda argv: pytest.fail("a window opened"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.png").touch()
    code, out, err = latentseg(*arguments)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "gone.png", "-o", "out"),
        ("predict", "here.png", "-o", "out", "--weights", "gone.png"),
        ("inspect", "gone.png", "-o", "out"),
        ("export", "--images", "gone.png", "--masks", ".", "-o", "out", "--format", "png"),
        ("export", "--project", "gone.png", "-o", "out", "--format", "png"),
        ("evaluate", "--images", ".", "--masks", "gone.png"),
        ("finetune", "--images", "gone.png", "--masks", ".", "-o", "w.safetensors"),
    ],
)
def test_a_missing_file_is_said_in_the_words_of_the_command_line(monkeypatch, tmp_path, latentseg, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.png").touch()
    code, _, err = latentseg(*arguments)
    assert code == 2
    assert "There is no file “gone.png”" in err
    assert "take it off the list" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here.png"]


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
    from latentseg_gui.headless.prediction import predict

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
    from latentseg_gui.headless.prediction import predict

    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "run", interrupted)
    assert latentseg("predict", "a.png", "-o", tmp_path) == (130, "", "latentseg: stopped.\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_name_that_the_terminal_cannot_show_ends_no_work_on_it(folders, tmp_path, monkeypatch, encoding):
    images, masks = folders
    name = "\u7d30\u80de \u201c\xfc\u201d.png"
    for folder in folders:
        (folder / "scene 0.png").rename(folder / name)
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        arguments = ("--images", images, "--masks", masks, "-o", tmp_path / "out", "--format", "png")
        assert cli.main(["export", *map(str, arguments)]) == 0
        with pytest.raises(SystemExit):
            cli.main(["export", "--help"])
    assert (tmp_path / "out" / name).is_file()
    out.flush()
    assert b"\\u7d30" in out.buffer.getvalue()
    out.close()
    err.close()


@pytest.mark.parametrize(
    "arguments", [("export", "--format", "png"), ("import",), ("finetune", "--seconds", "1")]
)
def test_an_output_that_is_a_link_to_itself_is_refused_in_words(
    latentseg, weights, folders, tmp_path, arguments
):
    (tmp_path / "round.safetensors").symlink_to("round.safetensors")
    where = "--images", folders[0], "--masks", folders[1], "-o", tmp_path / "round.safetensors"
    more = ("--weights", weights) if arguments[0] == "finetune" else ()
    code, _, err = latentseg(*arguments, *where, *more)
    assert code == 2
    assert "unexpected" not in err
    assert "round.safetensors" in err


def test_a_folder_in_the_place_of_weights_is_called_one(latentseg, folders, tmp_path):
    (tmp_path / "w.safetensors").mkdir()
    arguments = "predict", folders[0], "-o", tmp_path / "out", "--weights", tmp_path / "w.safetensors"
    code, _, err = latentseg(*arguments)
    assert (code, "it is a folder" in err) == (2, True), err


@pytest.mark.parametrize("arguments", [("networks",), ("predict", "photo.png", "-o", "out")])
def test_shipped_weights_of_another_name_are_said_by_every_subcommand(latentseg, monkeypatch, arguments):
    monkeypatch.setenv("LATENTSEG_WEIGHTS", "wrok")
    code, _, err = latentseg(*arguments)
    assert code == 2
    assert "unexpected" not in err
    assert "wrok" in err or "photo.png" in err
