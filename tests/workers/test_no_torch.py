"""The process of the window stays without torch, and the child without Qt."""

from __future__ import annotations

import subprocess
import sys


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_lanes_load_neither_torch_nor_the_document():
    loaded = loaded_after("import latentseg_gui.workers.lanes")
    assert "PySide6" in loaded
    assert not loaded & {
        "torch",
        "numpy",
    }  # the package model itself is empty until something of it is asked for


def test_the_child_loads_neither_qt_nor_torch_by_itself():
    loaded = loaded_after("import latentseg_gui.workers.child")
    assert not loaded & {"torch", "PySide6", "numpy"}


def test_a_lane_that_ran_a_job_of_the_engine_left_torch_in_the_child():
    loaded = loaded_after(
        "from PySide6.QtCore import QCoreApplication\n"
        "from latentseg_gui.workers.lanes import ChildLane\n"
        "application = QCoreApplication([])\n"
        "if __name__ == '__main__':\n"
        "    lane = ChildLane('tests.workers.services:echo', name='engine')\n"
        "    answers = []\n"
        "    lane.job_finished.connect(answers.append)\n"
        "    lane.submit(('echo', 'latentseg_gui'))\n"
        "    assert lane.wait_idle()\n"
        "    assert lane.shutdown()\n"
    )
    assert "PySide6" in loaded
    assert "torch" not in loaded
