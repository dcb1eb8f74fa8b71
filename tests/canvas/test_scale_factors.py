"""At every zoom and scale factor a click lands in the pixel that is drawn under it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, sys
import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from canvas.hand import grabbed, numbered_image
from latentseg_gui.canvas import CanvasView

application = QApplication([])
left, top = (int(value) for value in sys.argv[1:])
window = QWidget()
window.resize(600, 500)
view = CanvasView(window)
view.setGeometry(left, top, 401, 303)
window.show()
view.image.set(numbered_image(900, 1200))
heard = []
view.prompt_added.connect(lambda x, y, is_positive: heard.append((x, y)))
ratio = view.devicePixelRatioF()
result = {"ratio": ratio, "errors": [], "clicks": 0}
for zoom in (0.1, 0.4, 1.0, 1.7, 2.0, 4.0, 9.0, 40.0):
    view.camera.zoom_to(zoom)
    view.camera.centre_on((500.3, 410.8))
    view.visibility.set_peek(True)
    screen = grabbed(window)
    for x, y in [(200, 150), (181, 140), (230, 171), (200, 163), (187, 133)]:
        heard.clear()
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, y))
        if len(heard) != 1:
            result["errors"].append([zoom, x, y, "no click"])
            continue
        result["clicks"] += 1
        col, row = (int(np.floor(value)) for value in heard[0])
        red, green, blue = (int(v) for v in screen[int((y + top) * ratio), int((x + left) * ratio)])
        shown = (red + 256 * (blue % 16), green + 256 * (blue // 16))
        is_near = abs(shown[0] - col) <= 2 / zoom and abs(shown[1] - row) <= 2 / zoom
        if (zoom >= 1 and shown != (col, row)) or (zoom < 1 and not is_near and zoom > 0.5):
            result["errors"].append([zoom, x, y, shown, [col, row]])
        back = view.camera.viewport.to_logical(heard[0])
        if max(abs(back.x() - x), abs(back.y() - y)) * ratio > 1.0:
            result["errors"].append([zoom, x, y, "round trip", back.x(), back.y()])
print(json.dumps(result))
"""


@pytest.mark.parametrize("factor", ["1", "1.25", "1.5", "2"])
@pytest.mark.parametrize("origin", [("0", "0"), ("33", "22")], ids=str)
def test_clicks_land_in_the_pixel_under_them(factor: str, origin: tuple[str, str]) -> None:
    root = Path(__file__).parents[2]
    environment = {
        **os.environ,
        "QT_SCALE_FACTOR": factor,
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")]),
    }
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *origin], env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["ratio"] == float(factor)
    assert result["errors"] == []
    assert result["clicks"] == 40
