"""`latentseg doctor` says what is missing and what to type."""

import pytest

from latentseg_gui.headless import doctor


@pytest.fixture
def healthy(monkeypatch):
    monkeypatch.setattr(doctor, "missing_libraries", list)
    monkeypatch.setattr(doctor, "try_qt", lambda environment: ("xcb", ""))
    monkeypatch.setattr(doctor, "check_model", lambda device: (True, [f"  device: {device}"]))


def test_a_healthy_machine(latentseg, healthy):
    code, out, _ = latentseg("doctor")
    assert code == 0
    assert "Everything is there" in out
    assert "torch" in out
    assert "!" not in out.replace("with !", "")


def test_missing_libraries_come_with_the_line_to_type(latentseg, healthy, monkeypatch):
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setattr(doctor, "missing_libraries", lambda: ["libxcb-cursor.so.0", "libEGL.so.1"])
    code, out, _ = latentseg("doctor")
    assert code == 1
    assert "sudo apt-get install -y --no-install-recommends libegl1 libxcb-cursor0" in out


def test_no_screen_is_told_from_no_qt(latentseg, healthy, monkeypatch):
    def without_screen(environment):
        return ("offscreen", "") if environment else ("", "could not connect to display")

    monkeypatch.setattr(doctor, "try_qt", without_screen)
    code, out, _ = latentseg("doctor")
    assert code == 1
    assert "could not connect to display" in out
    assert "works without a screen" in out


def test_qt_is_tried_for_real_in_another_process():
    assert doctor.try_qt({"QT_QPA_PLATFORM": "offscreen"}) == ("offscreen", "")
    name, trouble = doctor.try_qt({"QT_QPA_PLATFORM": "nonsense"})
    assert name == ""
    assert trouble


def test_libraries_that_do_not_exist_are_missing(monkeypatch):
    monkeypatch.setattr(doctor, "SYSTEM_LIBRARIES", {"libnosuchthing.so.9": "libnosuchthing9"})
    assert doctor.missing_libraries() == ["libnosuchthing.so.9"]


def test_the_model_part_names_device_and_formats(monkeypatch):
    is_fine, lines = doctor.check_model("cpu")
    text = "\n".join(lines)
    assert "device: CPU" in text
    assert "bfloat16" in text
    assert "weights" in text
    is_fine, lines = doctor.check_model("abacus")
    assert not is_fine
    assert any(line.startswith("! ") and "abacus" in line for line in lines)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    is_fine, lines = doctor.check_packages()
    assert not is_fine
    assert "pip install 'no-such-package'" in lines[1]


def test_without_onnx_it_says_what_adds_it(monkeypatch):
    assert "onnxruntime" in doctor.check_onnx()[1][0]
    monkeypatch.setitem(doctor.sys.modules, "onnxruntime", None)
    is_fine, lines = doctor.check_onnx()
    assert is_fine
    assert 'pip install "latentseg[onnx]"' in lines[0]


def test_packages_over_ours_are_named(monkeypatch):
    owners = {"model": ["latentseg", "other-model"], "assets": ["latentseg"], "numpy": ["numpy"]}
    monkeypatch.setattr(doctor.importlib.metadata, "packages_distributions", lambda: owners)
    is_fine, lines = doctor.check_names()
    assert not is_fine
    assert "other-model installs a package “model”" in lines[0]
    assert "pipx" in lines[0]


def test_without_qt_nothing_of_qt_is_asked_for(latentseg, healthy, monkeypatch):
    monkeypatch.setattr(doctor, "is_window_installed", lambda: False)
    monkeypatch.setattr(doctor, "missing_libraries", lambda: ["libxcb-cursor.so.0"])
    code, out, _ = latentseg("doctor")
    assert code == 0
    assert "libxcb" not in out
    assert "PySide6" not in out
    assert 'pip install "latentseg[gui]"' in out
