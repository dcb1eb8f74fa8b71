"""From the command to the window on the screen: ``python -m tests.benchmarks.startup``.

The bar is 3 s from a warm disk. torch is loaded behind the window, in another process; the time until the model
can answer is printed beside it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from time import monotonic

ROUNDS = 5

CHILD = """
import sys
from time import monotonic
began = float(sys.argv[1])
from PySide6.QtCore import QTimer
from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter

def main():
    app = application.application()
    session = application.start(Reporter())
    app.processEvents()
    shown = monotonic() - began
    ready = []
    def note(weights):
        ready.append(monotonic() - began)
        QTimer.singleShot(0, app.quit)
    session.weights.activated.connect(note)
    QTimer.singleShot(120000, app.quit)
    app.exec()
    print(shown, ready[0], "torch" in sys.modules)
    application.finish(session)

if __name__ == "__main__":
    main()
"""


def main() -> None:
    """Prints the table."""
    shown, ready = [], []
    with tempfile.TemporaryDirectory() as home:
        script = os.path.join(home, "child.py")
        with open(script, "w", encoding="utf-8") as file:
            file.write(CHILD)
        environment = {
            **os.environ,
            "XDG_CONFIG_HOME": home,
            "XDG_STATE_HOME": home,
            "PYTHONPATH": os.getcwd(),
            "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
        }
        for _ in range(ROUNDS + 1):
            command = [sys.executable, script, str(monotonic())]
            outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            window, model, has_torch = outcome.stdout.split()
            assert has_torch == "False", "the window's process imported torch"
            shown.append(float(window))
            ready.append(float(model))
    print(f"| what | median of {ROUNDS} warm starts | slowest |\n|---|---|---|")
    for name, times in (("window on the screen", shown[1:]), ("model ready behind it", ready[1:])):
        print(f"| {name} | {statistics.median(times):.2f} s | {max(times):.2f} s |")


if __name__ == "__main__":
    main()
