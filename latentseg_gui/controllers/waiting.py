"""A command that was given too early: it starts by itself once what it waits for is there."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import JobSource
from latentseg_gui.document.document import Document


class LabelSource(QObject):
    """One reason why labels are on their way into the document.

    Args:
        says: that they are, as a sentence; "" where none are.
        parent: owner of this QObject.
    """

    changed = Signal()
    """It may say something else now."""

    lost = Signal(str)
    """Some do not come that were on their way; why, as a sentence."""

    def __init__(self, says: Callable[[], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.says = says


class LabelsToCome(QObject):
    """Knows of labels that are on their way into the document, for whoever needs all of them.

    Objects that were accepted before they were outlined, large edits and imports say so here.

    Args:
        document: that they go into.
        parent: owner of this QObject.
    """

    changed = Signal()
    """Others are on their way, or fewer; told when whoever knows has done what it does then."""

    lost = Signal(str)
    """Some that were on their way do not come; carries why, as a sentence."""

    _images_changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sources: list[LabelSource] = []
        self._images_changed.connect(self.changed, Qt.ConnectionType.QueuedConnection)
        document.events.images_changed.connect(self._on_images_changed)

    def add(self, source: LabelSource) -> None:
        """Takes a source of labels into account."""
        self._sources.append(source)
        source.changed.connect(self.changed, Qt.ConnectionType.QueuedConnection)
        source.lost.connect(self.lost)

    @property
    def sentence(self) -> str:
        """That labels are on their way; "" where none are."""
        return next(filter(None, (each.says() for each in self._sources)), "")

    def _on_images_changed(self) -> None:
        """What is on its way to an image that is gone is on its way no longer."""
        self._images_changed.emit()


class WaitingStart(JobSource):
    """One start that waits, for what passes without the user.

    The status bar lists it meanwhile, with a way to take it back. It is forgotten together with the images that
    were open when it was asked for, and taken back where labels that it waits for do not come.

    Args:
        name: of what starts.
        promise: sentence that says what starts when that is done.
        start: gives the command again.
        looks: emitted when something may be there that was missing.
        labels: that it needs; None where it does not matter if some of them never come.
        document: whose images it is about.
        errors: tells the user.
        parent: owner of this QObject.
    """

    def __init__(
        self,
        name: str,
        promise: str,
        *,
        start: Callable[[], None],
        looks: SignalInstance,
        labels: LabelsToCome | None,
        document: Document,
        errors: ErrorSink,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._title = name
        self._promise = promise
        self._start = start
        self._document = document
        self._errors = errors
        self._name = f"waiting#{uuid4().hex}"
        self._why = ""
        self._images: frozenset[str] = frozenset()
        looks.connect(self.look)
        if labels is not None:
            labels.lost.connect(self._on_lost)

    @property
    def sentence(self) -> str:
        """What it waits for, and what starts then; "" where nothing waits."""
        return f"{self._why} {self._promise}" if self._why else ""

    def waits_for(self, why: str) -> bool:
        """Waits while something is missing, which ``why`` says in a sentence; "" ends that. Whether it waits."""
        was_waiting, self._why = bool(self._why), why
        if why and not was_waiting:
            self._images = frozenset(self._document.images.ids)
            self._errors.inform(self.sentence)
            self.began.emit(self._name, self.tr("Waits: {0}").format(self._title))
        elif was_waiting and not why:
            self.ended.emit(self._name)
        return bool(why)

    def look(self) -> None:
        """Something may be there now that was missing."""
        if not self._why:
            return
        if self._images and self._images.isdisjoint(self._document.images.ids):
            self.stop()  # another project was opened, and nobody has asked for anything there
        else:
            self._start()

    def stop(self) -> None:
        """The user does not want it any more."""
        self.waits_for("")

    def cancel_named(self, full_name: str) -> None:
        """Takes it back if this is its name (of `JobSource`)."""
        if full_name == self._name:
            self.stop()

    def _on_lost(self, why: str) -> None:
        """What it waited for is not what the user expected: whether to go on is for the user to say."""
        if self._why:
            self.stop()
            text = self.tr(
                "{0} {1} does not start by itself any more; start it again to go on with what is there."
            )
            self._errors.inform(text.format(why, self._title))
