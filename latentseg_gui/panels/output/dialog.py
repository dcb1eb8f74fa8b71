"""One dialog for all that is written for many images: exports and batch predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.panels.output.formats import FormatChoice
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import make_default, text_label

_REST_MS = 150
_LINES, _MOST_LINES = 5, 14
_LOW_SCREEN = 720
"""A screen of this height or less, in pixels that follow its scale, shows fewer lines."""

_LOW_LINES = 3
_WIDTH, _MARGIN = 700, 18


@dataclass(frozen=True, slots=True)
class Scope:
    """Which images may be meant.

    Attributes:
        key: what the choice is called in `OutputChoice`.
        text: what the user reads.
        is_possible: whether there are any.
        wants_folder: whether their folder is to be named too.
    """

    key: str
    text: str
    is_possible: bool = True
    wants_folder: bool = False


@dataclass(frozen=True, slots=True)
class OutputQuestion:
    """What the dialog asks.

    Attributes:
        title: of the dialog.
        explanation: one or two sentences above everything.
        scopes: of which one is chosen.
        formats: (key, what the user reads); at least one is chosen.
        chosen: the formats that are chosen to begin with.
        folder: where to write, to begin with; may be empty.
        action: text of the button that does it.
        is_completed: what stands where nobody labelled, to begin with: what the model predicted, or nothing;
            None where that is no question.
        with_pictures: the formats that the images go along with.
    """

    title: str
    explanation: str
    scopes: tuple[Scope, ...]
    formats: tuple[tuple[str, str], ...]
    chosen: tuple[str, ...]
    folder: str
    action: str
    is_completed: bool | None = None
    with_pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputChoice:
    """What the user chose.

    Attributes:
        scope: key of a scope.
        formats: at least one, in the order of the question.
        folder: where to write.
        source: the folder of the images, where the scope wants one.
        is_completed: whether the prediction is written where nobody labelled.
        links_pictures: whether formats that hold the images get links to them instead of copies.
        may_replace: whether files may be replaced that latentseg did not write.
    """

    scope: str
    formats: tuple[str, ...]
    folder: Path
    source: Path | None = None
    is_completed: bool = True
    links_pictures: bool = False
    may_replace: bool = False


class OutputDialog(QDialog):
    """Asks what to write where, and shows what that comes to; show it with ``open()``.

    Signals:
        preview_requested: an `OutputChoice` whose consequences are to be shown with `set_preview`.
        confirmed: the `OutputChoice` that is to be done.
    """

    preview_requested = Signal(object)
    confirmed = Signal(object)

    def __init__(self, question: OutputQuestion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(question.title)
        self.setMinimumWidth(_WIDTH)
        self._question = question
        self._allowed: OutputChoice | None = None
        self._is_low = self.screen().availableGeometry().height() <= _LOW_SCREEN
        self._pause = QTimer(self, singleShot=True, interval=_REST_MS)
        self._pause.timeout.connect(self._ask)
        self._scopes = QButtonGroup(self)
        self._source = _FolderField(self.tr("Folder of the images"))
        self._rest = _RestChoice(question.is_completed)
        self._formats = FormatChoice(question.formats, question.chosen)
        self._formats.setAccessibleName(self.tr("Formats"))
        self._links = QCheckBox(self.tr("Link the images instead of copying them"), self)
        self._replace = QCheckBox(self.tr("Replace files that latentseg did not write"), self)
        self._replace.hide()
        self._folder = _FolderField(self.tr("Write to"), question.folder)
        self._preview = text_label("", "hint")
        self._make_room()
        self._preview.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._preview.setAccessibleName(self.tr("What will be written"))
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._do = self._buttons.addButton(question.action, QDialogButtonBox.ButtonRole.AcceptRole)
        make_default(self._do, self._buttons)
        self._lay_out()
        self._buttons.accepted.connect(self._on_accepted)
        self._buttons.rejected.connect(self.reject)
        self._scopes.idToggled.connect(self._on_changed)
        self._formats.changed.connect(self._on_changed)
        self._links.toggled.connect(self._on_changed)
        self._replace.toggled.connect(self._on_changed)
        self._rest.changed.connect(self._on_changed)
        for field in (self._source, self._folder):
            field.changed.connect(self._on_changed)
        self._on_changed()
        (self._formats if question.folder else self._folder).setFocus()

    @property
    def choice(self) -> OutputChoice | None:
        """What is chosen now; None while something is missing."""
        number = self._scopes.checkedId()
        formats = self._formats.chosen
        if number < 0 or not formats or not self._folder.text:
            return None
        scope = self._question.scopes[number]
        if scope.wants_folder and not self._source.text:
            return None
        source = Path(self._source.text) if scope.wants_folder else None
        return OutputChoice(
            scope.key,
            formats,
            Path(self._folder.text),
            source,
            self._rest.is_completed,
            self._links.isVisibleTo(self) and self._links.isChecked(),
            self._replace.isVisibleTo(self) and self._replace.isChecked(),
        )

    def set_scope(self, key: str) -> None:
        """Chooses the images."""
        for number, scope in enumerate(self._question.scopes):
            if scope.key == key:
                self._scopes.button(number).setChecked(True)

    def set_scopes(self, scopes: tuple[Scope, ...]) -> None:
        """Shows the same scopes as they are now: there may be more images of a kind."""
        for number, scope in enumerate(scopes):
            self._scopes.button(number).setText(scope.text)
            self._scopes.button(number).setEnabled(scope.is_possible)

    def set_completed(self, is_completed: bool) -> None:
        """Chooses what stands where nobody labelled."""
        self._rest.set_completed(is_completed)

    def set_formats(self, names: tuple[str, ...]) -> None:
        """Chooses the formats."""
        self._formats.choose(names)

    def set_folder(self, folder: Path) -> None:
        """Chooses where to write."""
        self._folder.set_text(str(folder))

    def set_source(self, folder: Path) -> None:
        """Chooses the folder of the images."""
        self._source.set_text(str(folder))

    def set_preview(
        self, choice: OutputChoice, text: str, *, can_go: bool, has_foreign: bool = False
    ) -> None:
        """Says what a choice comes to; an answer about an earlier one is of no interest.

        Where files of others are in the way, the user is asked whether they may go.
        """
        if choice == self.choice:
            self._replace.setVisible(has_foreign)
            self._preview.setText(text)
            self._preview.setToolTip(plain(text))
            self._make_room()
            self._allowed = choice if can_go else None
            self._do.setEnabled(can_go)

    def _make_room(self) -> None:
        """A wrapped label does not ask for more height by itself, and what is above it would be squeezed."""
        line = self._preview.fontMetrics().lineSpacing()
        needed = self._preview.heightForWidth(max(self._preview.width(), _WIDTH - 2 * _MARGIN))
        fewest, most = (_LOW_LINES, _LOW_LINES) if self._is_low else (_LINES, _MOST_LINES)
        height = min(max(needed, fewest * line), most * line)
        if height != self._preview.minimumHeight():
            self._preview.setMinimumHeight(height)
            self.adjustSize()

    def _lay_out(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(_MARGIN, 16, _MARGIN, 14)
        whole.setSpacing(8)
        explanation = text_label(self._question.explanation)
        # A wrapped label asks for less height than it needs, and the rest would be squeezed for it.
        explanation.ensurePolished()  # the font of the style sheet is higher than Qt's own
        explanation.setMinimumHeight(explanation.heightForWidth(_WIDTH - 2 * _MARGIN))
        whole.addWidget(explanation)
        whole.addSpacing(4)
        whole.addWidget(text_label(self.tr("Images"), "title"))
        for number, scope in enumerate(self._question.scopes):
            button = QRadioButton(scope.text, self)
            button.setEnabled(scope.is_possible)
            self._scopes.addButton(button, number)
            whole.addWidget(button)
            if scope.wants_folder:
                whole.addWidget(self._source)
        possible = [number for number, scope in enumerate(self._question.scopes) if scope.is_possible]
        if possible:
            self._scopes.button(possible[0]).setChecked(True)
        if self._question.is_completed is not None:
            whole.addSpacing(4)
            whole.addWidget(self._rest)
        whole.addSpacing(4)
        whole.addWidget(text_label(self.tr("Formats (several get a folder each)"), "title"))
        whole.addWidget(self._formats)
        whole.addWidget(self._links)
        whole.addSpacing(4)
        whole.addWidget(text_label(self.tr("Write to"), "title"))
        whole.addWidget(self._folder)
        whole.addWidget(self._preview, 1)
        whole.addWidget(self._replace)
        whole.addWidget(self._buttons)

    def _on_changed(self, *_: object) -> None:
        number = self._scopes.checkedId()
        wants_folder = number >= 0 and self._question.scopes[number].wants_folder
        if wants_folder != self._source.isVisibleTo(self):
            self._source.setVisible(wants_folder)
            self.adjustSize()
        self._links.setVisible(bool(set(self._question.with_pictures) & set(self._formats.chosen)))
        choice = self.choice
        self._do.setEnabled(choice is not None and choice == self._allowed)
        if choice is None:
            self._preview.setText(self.tr("Choose images, at least one format, and a folder to write to."))
            return
        self._pause.start()

    def _ask(self) -> None:
        choice = self.choice
        if choice is not None:
            self.preview_requested.emit(choice)

    def _on_accepted(self) -> None:
        choice = self.choice
        if choice is not None:
            self.confirmed.emit(choice)
            self.accept()


class _RestChoice(QWidget):
    """What is written where nobody labelled."""

    changed = Signal()

    def __init__(self, is_completed: bool | None) -> None:
        super().__init__()
        self._predicted = QRadioButton(self.tr("What the model predicted"), self)
        self._nothing = QRadioButton(self.tr("Nothing: these pixels stay unlabelled"), self)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(text_label(self.tr("Where you labelled nothing"), "title"))
        whole.addWidget(self._predicted)
        whole.addWidget(self._nothing)
        self.set_completed(is_completed is not False)
        self._predicted.toggled.connect(self.changed)
        if is_completed is None:
            self.hide()  # to show it, before it has a parent, would make a window of it

    @property
    def is_completed(self) -> bool:
        """Whether the prediction is written there."""
        return self._predicted.isChecked()

    def set_completed(self, is_completed: bool) -> None:
        """Chooses."""
        (self._predicted if is_completed else self._nothing).setChecked(True)


class _FolderField(QWidget):
    """A folder as text, with a button to choose it."""

    changed = Signal()

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__()
        self._name = name
        self._edit = QLineEdit(text, self)
        self._edit.setAccessibleName(name)
        browse = QPushButton(self.tr("Browse..."), self)
        browse.setAccessibleName(self.tr("Browse: {0}").format(name))
        browse.setAutoDefault(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._edit, 1)
        row.addWidget(browse)
        self.setFocusProxy(self._edit)
        self._edit.textChanged.connect(self.changed)
        browse.clicked.connect(self._browse)

    @property
    def text(self) -> str:
        """The folder; empty where none is named."""
        return self._edit.text().strip()

    def set_text(self, text: str) -> None:
        """Names a folder."""
        self._edit.setText(text)

    def _browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self._name, self.text)
        if name:
            self._edit.setText(name)
