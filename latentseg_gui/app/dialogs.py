"""Questions to the user through Qt's own dialogs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QMessageBox, QWidget

from latentseg_gui.io.images.reading import SUFFIXES
from latentseg_gui.panels.plain import plain, unmarked


class QtDialogs(QObject):
    """Implements the `Dialogs` port of the controllers.

    Args:
        window: the window that the dialogs belong to.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window

    def choose_images(self, folder: str) -> list[Path]:
        """Image files to open."""
        kinds = " ".join(f"*{suffix}" for suffix in sorted(SUFFIXES))
        patterns = self.tr("Images ({0});;All files (*)").format(kinds)
        names, _ = QFileDialog.getOpenFileNames(self._window, self.tr("Open images"), folder, patterns)
        return [Path(name) for name in names]

    def choose_folder(self, title: str, folder: str) -> Path | None:
        """An existing folder."""
        name = QFileDialog.getExistingDirectory(self._window, title, folder or str(Path.home()))
        return Path(name) if name else None

    def choose_new_folder(self, title: str, suggestion: Path) -> Path | None:
        """A folder by a name that is typed, as one names a file: it need not exist."""
        options = QFileDialog.Option.DontConfirmOverwrite  # nothing is overwritten in it
        name, _ = QFileDialog.getSaveFileName(
            self._window, title, str(suggestion), self.tr("Folder (*)"), options=options
        )
        return Path(name) if name else None

    def choose_file(self, title: str, folder: str, patterns: str) -> Path | None:
        """One existing file."""
        name, _ = QFileDialog.getOpenFileName(self._window, title, folder, patterns)
        return Path(name) if name else None

    def choose_target(self, title: str, suggestion: Path, patterns: str) -> Path | None:
        """A file to write; Qt asks before an existing one is taken."""
        name, _ = QFileDialog.getSaveFileName(self._window, title, str(suggestion), patterns)
        return Path(name) if name else None

    def choose_one(self, title: str, text: str, choices: Sequence[tuple[str, str]]) -> str | None:
        """One of (key, what the user reads)."""
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle(title)
        dialog.setLabelText(plain(text))
        dialog.setComboBoxItems([label for _, label in choices])
        is_chosen, label = dialog.exec() == QDialog.DialogCode.Accepted, dialog.textValue()
        dialog.deleteLater()
        return next((key for key, each in choices if each == label), None) if is_chosen else None

    def choose_action(self, title: str, text: str, actions: Sequence[tuple[str, str]]) -> str | None:
        """What to do, as (key, text of the button), the first by default; None to do nothing."""
        box = message_box(title, text, self._window, QMessageBox.Icon.Question)
        buttons = [
            (key, box.addButton(unmarked(label), QMessageBox.ButtonRole.ActionRole)) for key, label in actions
        ]
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(buttons[0][1])
        box.setEscapeButton(cancel)
        box.exec()
        clicked = box.clickedButton()
        answer = next((key for key, button in buttons if button is clicked), None)
        box.deleteLater()
        return answer

    def confirm(self, title: str, text: str, action: str) -> bool:
        """Whether to do ``action``; the safe answer is the default."""
        box = message_box(title, text, self._window, QMessageBox.Icon.Question)
        do = box.addButton(action, QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(stay)
        box.exec()
        is_confirmed = box.clickedButton() is do
        box.deleteLater()
        return is_confirmed


def message_box(
    title: str, text: str, parent: QWidget, kind: QMessageBox.Icon = QMessageBox.Icon.NoIcon
) -> QMessageBox:
    """A box that shows its text letter by letter: a name in it may look like markup."""
    box = QMessageBox(parent)
    box.setIcon(kind)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    return box
