"""The window: docks, menus, tool bar, status bar. It lays out and forwards; it decides nothing."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QImage,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QDockWidget,
    QMainWindow,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.app.actions import ACTIONS, spec, translated
from latentseg_gui.app.dropped import content_of
from latentseg_gui.app.geometry import first_place
from latentseg_gui.canvas import CanvasView
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.panels.candidates import CandidatesPanel
from latentseg_gui.panels.classes import ClassesPanel
from latentseg_gui.panels.counting import CountingPanel
from latentseg_gui.panels.display import LevelsPanel
from latentseg_gui.panels.evaluation import EvaluationPanel
from latentseg_gui.panels.experts import ExpertsPanel
from latentseg_gui.panels.feedback import DeviceBadge, JobsIndicator, MessageLog, MessageStrip, TourStrip
from latentseg_gui.panels.files import EmptyStateWidget, FilesPanel, PageBar
from latentseg_gui.panels.history import HistoryPanel
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.objects import ObjectsPanel
from latentseg_gui.panels.tools import ToolOptionsBar
from latentseg_gui.panels.training import TrainingPanel
from latentseg_gui.panels.widgets import text_label, upright_line

_STATE_VERSION = 1

_NARROWEST = {Qt.DockWidgetArea.LeftDockWidgetArea: 190, Qt.DockWidgetArea.RightDockWidgetArea: 256}
"""Panels that were squeezed on a small screen would stay of no use on a large one."""


class MainWindow(QMainWindow):
    """The one window of the application."""

    close_requested = Signal(QCloseEvent)
    """Whoever listens accepts or ignores the event."""

    paths_dropped = Signal(list)
    """File paths (str) that were dropped on the window."""

    picture_dropped = Signal(QImage)
    """A picture without a file, out of another program."""

    addresses_dropped = Signal(tuple)
    """Addresses (str) of what lies elsewhere than on this computer."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("latentseg")
        self.setAcceptDrops(True)
        self.setDockOptions(QMainWindow.DockOption.AllowTabbedDocks | QMainWindow.DockOption.AnimatedDocks)
        self.canvas = CanvasView()
        self.empty_state = EmptyStateWidget()
        self.canvas.set_empty_widget(self.empty_state)
        self.files = FilesPanel()
        self.pages = PageBar()
        self.classes = ClassesPanel()
        self.experts = ExpertsPanel()
        self.training = TrainingPanel()
        self.objects = ObjectsPanel()
        self.history = HistoryPanel()
        self.levels = LevelsPanel()
        self.counting = CountingPanel()
        self.evaluation = EvaluationPanel()
        self.candidates = CandidatesPanel()
        self.options = ToolOptionsBar()
        self.action: dict[str, QAction] = {}
        self._docks: dict[str, QDockWidget] = {}
        self._make_actions()
        self._lay_out_centre()
        self._lay_out_docks()
        self._lay_out_tool_bar()
        self._lay_out_status_bar()
        self.setGeometry(first_place(self.screen().availableGeometry(), self.minimumSizeHint()))
        self.messages.shown.connect(self.message_log.add)
        self.messages.details_requested.connect(self.message_log.click)
        self.message_log.toggled.connect(self.messages.clear)  # what they say stands in the list

    def set_hint(self, sentence: str) -> None:
        """The one line that says what to do next."""
        self.messages.set_hint(sentence)

    def set_cursor_text(self, text: str) -> None:
        """Position, class and confidence under the cursor."""
        self._cursor.setText(text)

    def set_expert_text(self, text: str) -> None:
        """Which experts explain what is under the cursor."""
        self._experts_text.setText(text)

    def set_timing_text(self, text: str) -> None:
        """How long the last operation took."""
        self._timing.setText(text)
        self._after_timing.setVisible(bool(text))

    def set_version_text(self, text: str) -> None:
        """Which weights are in use."""
        self._version.setText(text)

    def show_panel(self, name: str) -> None:
        """Brings a panel ("classes", "experts", "training", ...) to the front."""
        dock = self._docks[name]
        dock.show()
        dock.raise_()

    def insert_menu(self, menu: QMenu, before: str) -> None:
        """Puts a menu into the one that an action stands in, before that action."""
        spec = next(each for each in ACTIONS if each.name == before)
        self._menus[spec.menu].insertMenu(self.action[before], menu)

    def restore_layout(self, *, geometry: str, state: str) -> None:
        """Puts docks and size back where they were; nonsense is ignored by Qt."""
        self.restoreGeometry(QByteArray.fromBase64(geometry.encode()))
        self.restoreState(QByteArray.fromBase64(state.encode()), _STATE_VERSION)

    def layout_texts(self) -> tuple[str, str]:
        """(geometry, state) as text for the settings file."""
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        state = bytes(self.saveState(_STATE_VERSION).toBase64().data()).decode()
        return geometry, state

    def _make_actions(self) -> None:
        tools = QActionGroup(self)
        self._menus = menus = {
            name: self.menuBar().addMenu(translated(name)) for name in dict.fromkeys(s.menu for s in ACTIONS)
        }
        for each in ACTIONS:
            action = QAction(icon(each.icon), translated(each.text), self)
            action.setObjectName(each.name)
            action.setCheckable(each.is_checkable)
            action.setIconVisibleInMenu(not each.is_checkable)  # a tick stands in its place
            action.setShortcuts([QKeySequence(key) for key in each.keys])
            if each.is_tool:
                tools.addAction(action)
            if each.is_separated:
                menus[each.menu].addSeparator()
            menus[each.menu].addAction(action)
            self.action[each.name] = action
        menus["View"].addSeparator()
        self._docks_menu = menus["View"].addMenu(translated("Panels"))

    def _lay_out_centre(self) -> None:
        self.messages, self.tour = MessageStrip(), TourStrip()
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.options, self.tour, self.canvas, self.pages, self.messages):
            column.addWidget(widget, 1 if widget is self.canvas else 0)
        self.setCentralWidget(centre)

    def _lay_out_docks(self) -> None:
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self._add_dock("files", self.tr("Images"), self.files, left)
        classes = self._add_dock("classes", self.tr("Classes"), self.classes, right)
        history = self._add_dock("history", self.tr("History"), self.history, right)
        levels = self._add_dock("levels", self.tr("Levels"), self.levels, right)
        experts = self._add_dock("experts", self.tr("Experts"), self.experts, right)
        training = self._add_dock("training", self.tr("Training"), self.training, right)
        objects = self._add_dock("objects", self.tr("Objects"), self.objects, right)
        self.tabifyDockWidget(classes, history)
        counting = self._add_dock("counting", self.tr("Counting"), self.counting, right)
        self.tabifyDockWidget(history, levels)
        candidates = self._add_dock("candidates", self.tr("Proposals"), self.candidates, right)
        self.tabifyDockWidget(levels, candidates)
        self.tabifyDockWidget(experts, training)
        self.tabifyDockWidget(training, objects)
        self.tabifyDockWidget(objects, counting)
        evaluation = self._add_dock("evaluation", self.tr("Evaluation"), self.evaluation, right)
        self.tabifyDockWidget(training, evaluation)
        classes.raise_()
        experts.raise_()
        self.resizeDocks([classes, experts], [390, 430], Qt.Orientation.Vertical)
        self.resizeDocks([classes], [340], Qt.Orientation.Horizontal)

    def _add_dock(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock_{name}")
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(widget)
        scroll.setMinimumWidth(_NARROWEST[area])
        dock.setWidget(scroll)
        self.addDockWidget(area, dock)
        widget.windowTitleChanged.connect(dock.setWindowTitle)  # a panel may be called otherwise later
        self._docks[name] = dock
        self._docks_menu.addAction(dock.toggleViewAction())
        return dock

    def _lay_out_tool_bar(self) -> None:
        bar = QToolBar(self.tr("Tools"))
        bar.setObjectName("tool_bar")
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        groups = (
            ("open_images", "open_folder", "export_mask"),
            tuple(tool.action for tool in ToolName),
            ("undo", "redo"),
            ("predict", "finetune", "fit"),
        )
        for group in groups:
            for name in group:
                self.action[name].setIconText(translated(spec(name).short or spec(name).text))
                bar.addAction(self.action[name])
            bar.addSeparator()
        self.addToolBar(bar)
        rest = bar.findChild(QToolButton, "qt_toolbar_ext_button")
        if rest is not None:  # Qt's own arrow is two dots under a style sheet
            rest.setIcon(icon("chevron-down"))
            rest.setToolTip(self.tr("What has no room in the tool bar"))
            rest.setAccessibleName(rest.toolTip())

    def _lay_out_status_bar(self) -> None:
        self.jobs = JobsIndicator()
        self.device = DeviceBadge()
        self.message_log = MessageLog()
        self._cursor, self._timing, self._version = (text_label(is_wrapped=False) for _ in range(3))
        self._experts_text = text_label("", "muted", is_wrapped=False)
        for label, name in (
            (self._cursor, self.tr("Under the cursor")),
            (self._experts_text, self.tr("Experts of the pixel under the cursor")),
            (self._timing, self.tr("Last operation")),
            (self._version, self.tr("Weights")),
        ):
            label.setAccessibleName(name)
        self._experts_text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.statusBar().addWidget(self._cursor)
        self.statusBar().addWidget(self._experts_text, 1)
        self._cursor.setIndent(8)  # margins are lost where the theme changes while it is empty
        for label in (self._timing, self._version):
            label.setMinimumWidth(24)  # in a narrow window they give way
        self._after_timing = upright_line()
        ends = (
            self._timing,
            self._after_timing,
            self._version,
            upright_line(),
            self.device,
            self.message_log,
        )
        for widget in (self.jobs, *ends):
            self.statusBar().addPermanentWidget(widget)
        self._after_timing.hide()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Takes files and pictures, and addresses, to say what can be done about them."""
        if not content_of(event.mimeData()).is_empty:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hands on what was dropped: files before pictures, pictures before addresses."""
        content = content_of(event.mimeData())
        if content.paths:
            self.paths_dropped.emit(list(content.paths))
        elif content.picture is not None:
            self.picture_dropped.emit(content.picture)
        elif content.addresses:
            self.addresses_dropped.emit(content.addresses)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Asks whoever listens."""
        self.close_requested.emit(event)
