"""Takes the pictures of the README by driving the real window: ``make screenshots``."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if os.environ["QT_QPA_PLATFORM"] == "offscreen":
    # Qt's own screen has 800 x 800 pixels, and the window takes no more room than that.
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={Path(__file__).parents[1] / 'screen.json'}"

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.samples import sample_paths
from latentseg_gui.app.session import Session
from latentseg_gui.app.theme import apply_theme
from tests.e2e.person import RIGHT, Person
from tests.e2e.tool_sheet import ToolSheet

SIZE = (1440, 900)
FINETUNE_SECONDS = 90.0
"""A machine that is busy with other things makes few steps in the usual time, or none."""


class Photographer:
    """Walks through the main job and takes a picture at each station, in every theme."""

    def __init__(self, session: Session, folder: Path, themes: tuple[str, ...]) -> None:
        self.person = Person(session)
        self._themes = themes
        self._session = session
        self._folder = folder
        session.window.resize(*SIZE)
        QTest.qWait(300)

    def take(self, name: str) -> None:
        """Saves the window as it looks now, in the chosen themes."""
        self._session.window.set_timing_text("")  # it would tell how busy this machine was
        for theme in self._themes:
            apply_theme(application.application(), theme)  # type: ignore[arg-type]
            QTest.qWait(400)
            self._session.window.grab().save(str(self._folder / f"{name}-{theme}.png"))

    def walk(self) -> None:
        """The five minutes of the README."""
        person, session = self.person, self._session
        person.wait_for(lambda: session.weights.live is not None, what="the model is loaded")
        QTest.qWait(1500)
        self.take("empty")
        person.open(sample_paths()[0])
        person.wait_for_prediction()
        person.segment((225.0, 120.0))
        self._add_click((215.0, 262.0), RIGHT)
        self.take("click")
        person.press(Qt.Key.Key_Return)
        person.wait_for(lambda: session.inspect.maps is not None, what="attention maps")
        self._look_inside()
        self._correct_and_finetune()

    def tools(self) -> None:
        """Every tool at work, on one sheet per theme."""
        person, session = self.person, self._session
        person.wait_for(lambda: session.weights.live is not None, what="the model is loaded")
        if person.image_id is None:
            person.open(sample_paths()[0])
        person.wait_for_prediction()
        person.choose("clear_mask")
        session.window.show_panel("classes")
        person.press(Qt.Key.Key_1)
        sheet = ToolSheet(person, self._themes)
        sheet.work()
        sheet.save(self._folder)

    def _add_click(self, xy: tuple[float, float], button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        self.person.click(xy, button)
        self.person.wait_for_proposal()

    def _look_inside(self) -> None:
        panel, maps = self._session.window.experts, self._session.inspect.maps
        assert maps is not None
        panel.selection.choose(int(maps.mix.mean(axis=(0, 2, 3)).argmax()))
        panel.selection.toggle_map("expert")
        self._session.window.canvas.cursor_moved.emit(225.0, 300.0)
        self.take("main")
        panel.selection.toggle_map("expert")
        self.person.choose("show_territory")
        self.take("territory")
        self.person.choose("show_territory")

    def _correct_and_finetune(self) -> None:
        person, session = self.person, self._session
        person.choose("tool_brush")
        session.tool.set_diameter(40)
        person.press(Qt.Key.Key_1)
        person.drag((150.0, 330.0), (120.0, 400.0), (90.0, 460.0))
        person.press(Qt.Key.Key_0)
        person.drag((330.0, 60.0), (390.0, 40.0), (345.0, 200.0), (350.0, 255.0))
        person.drag((420.0, 120.0), (430.0, 220.0))
        session.finetune.plan = session.finetune.plan.with_seconds(FINETUNE_SECONDS)
        session.window.show_panel("training")
        person.choose("finetune")
        ended: list[object] = []
        session.finetune.ended.connect(ended.append)
        person.wait_for(lambda: ended, seconds=600, what="fine-tuning has ended")
        assert ended[0] is not None, "nothing was learned"
        person.wait_for(self._is_predicted_by_learned, what="the prediction of what was learned")
        person.wait_for(lambda: session.lanes.engine.is_idle, what="nothing is under way")
        QTest.qWait(1500)
        self.take("finetune")

    def _is_predicted_by_learned(self) -> bool:
        document, image_id = self._session.document, self.person.image_id
        prediction = None if image_id is None else document.predictions.of(image_id)
        return prediction is not None and prediction.version != "shipped"


def main() -> None:
    """Writes the pictures into ``--output``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("assets/screenshots"))
    parser.add_argument("--themes", default="dark,light")
    parser.add_argument("--only", choices=("walk", "tools"), help="one part of them")
    options = parser.parse_args()
    folder: Path = options.output
    themes = tuple(options.themes.split(","))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_STATE_HOME"] = home
        application.application()
        session = application.start(Reporter())
        try:
            photographer = Photographer(session, folder, themes)
            if options.only != "tools":
                photographer.walk()
            if options.only != "walk":
                photographer.tools()
        finally:
            application.finish(session)


if __name__ == "__main__":
    main()
