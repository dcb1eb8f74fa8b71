"""Masks of other tools into the document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtWidgets import QWidget

from latentseg_gui.commands.history import History
from latentseg_gui.controllers.interfaces import Dialogs, ErrorSink
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.transfer.import_plans import ImportPair, ImportPlan, import_targets, plan_of
from latentseg_gui.controllers.transfer.import_run import ImportOrder, ImportReport, ImportRun, summary_of
from latentseg_gui.controllers.transfer.import_work import ImportMode
from latentseg_gui.controllers.waiting import LabelSource
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.wording import in_quotes, listed
from latentseg_gui.io.masks import IMPORT_SUFFIXES
from latentseg_gui.io.masks.values import Numbers
from latentseg_gui.io.paths import shown
from latentseg_gui.panels.output import ImportChoice, ImportDialog, ImportQuestion, ImportRow

_SHOWN = 500
_FEW = 3
_NOTES = 6


class ImportController(JobSource):
    """Takes masks over, one step of the history per image, and says what could not be represented.

    A mask for the image that is looked at, where nothing is labelled yet, is taken over at once; anything else
    is shown first, with the question what becomes of masks that are there.
    """

    def __init__(
        self,
        document: Document,
        history: History,
        *,
        edits: EditQueue,
        readers: Jobs,
        is_painting: Callable[[], bool],
        dialogs: Dialogs,
        errors: ErrorSink,
        window: QWidget | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._edits = edits
        self._readers = readers
        self._is_painting = is_painting
        self._dialogs = dialogs
        self._errors = errors
        self._window = window
        self._run: ImportRun | None = None
        self._plans = 0
        self.labels = LabelSource(self._under_way, self)
        self._folder = ""
        self._found: tuple[str, ...] = ()
        self.dialog: ImportDialog | None = None

    @property
    def is_running(self) -> bool:
        """Whether masks are being taken over."""
        return self._run is not None

    def _under_way(self) -> str:
        """That masks are on their way into the document, as a sentence; "" where none are."""
        if self.is_running:
            return self.tr("Masks are still being imported.")
        is_asked_for = self._plans or self.dialog is not None
        return self.tr("An import of masks has begun.") if is_asked_for else ""

    def choose(self) -> None:
        """Asks for a file: a mask for the image that is looked at, or one with the masks of many."""
        if not self._has_images():
            return
        kinds = " ".join(f"*{suffix}" for suffix in IMPORT_SUFFIXES)
        patterns = self.tr("Masks ({0})").format(kinds)
        path = self._dialogs.choose_file(self.tr("Import masks from a file"), self._suggested(), patterns)
        if path is not None:
            self.import_from([path])

    def choose_folder(self) -> None:
        """Asks for a folder of masks for the images of the list."""
        if not self._has_images():
            return
        folder = self._dialogs.choose_folder(self.tr("Import masks from a folder"), self._suggested())
        if folder is not None:
            self.import_from([folder])

    def import_from(self, paths: Sequence[Path]) -> None:
        """Looks for masks in files or a folder, and takes them over or asks about it."""
        if not self._has_images():
            return
        if self._run is not None:
            self._errors.inform(self.tr("Masks are being imported already; stop that first, or wait for it."))
            return
        self._folder = str(paths[0] if paths[0].is_dir() else paths[0].parent)
        self._readers.submit(
            partial(plan_of, tuple(paths), import_targets(self._document), self._document.images.current_id),
            self._on_planned,
            title=self.tr("Looking for masks"),
            key="import plan",
            is_current=lambda: self._run is None,
            on_stale=self._on_not_planned,
            on_failure=self._on_not_planned,
            on_cancelled=self._on_not_planned,
        )
        self._plans += 1
        self.labels.changed.emit()

    def cancel_named(self, full_name: str) -> None:
        """Stops the run of this name; other names are not ours."""
        if self._run is not None:
            self._run.cancel_named(full_name)

    def abandon(self) -> None:
        """The window ends."""
        if self._run is not None:
            self._run.abandon()

    def start(self, order: ImportOrder) -> ImportRun:
        """Takes masks over."""
        run = ImportRun(
            f"import#{uuid4().hex}",
            order,
            self._document,
            self._history,
            edits=self._edits,
            readers=self._readers,
            is_painting=self._is_painting,
            parent=self,
        )
        self._run = run
        self.labels.changed.emit()
        run.began.connect(self.began)
        run.progressed.connect(self.progressed)
        run.ended.connect(self.ended)
        run.finished.connect(self._on_finished)
        run.start()
        return run

    def _has_images(self) -> bool:
        if not self._document.images.ids:
            self._errors.inform(self.tr("Open the images first that the masks are for."))
        return bool(self._document.images.ids)

    def _suggested(self) -> str:
        current = self._document.images.current_id
        source = None if current is None else self._document.images.path(current)
        return self._folder or str(Path.home() if source is None else source.parent)

    def _on_not_planned(self, error: LatentsegError | None = None) -> None:
        self._plans -= 1
        if error is not None:
            self._errors.report(error)
        if not self._plans and not self.is_running:
            self.labels.lost.emit(self.tr("The masks were not imported."))
        self.labels.changed.emit()

    def _on_planned(self, answer: ImportPlan) -> None:
        if not answer.pairs:
            self._on_not_planned(nothing_fits(answer))
            return
        self._plans -= 1
        pair = answer.pairs[0]
        is_one = len(answer.pairs) == 1 and not answer.refused and not answer.is_open
        is_plain = is_one and pair.image_id == self._document.images.current_id
        self._found = answer.notes
        if is_plain and not self._masked(answer.pairs):
            self.start(ImportOrder(answer.pairs, reading=answer.reading))
            return
        dialog = ImportDialog(self._question(answer), self._window)
        dialog.confirmed.connect(partial(self._on_confirmed, answer))
        dialog.finished.connect(partial(self._on_answered, dialog))
        earlier, self.dialog = self.dialog, dialog
        if earlier is not None:  # masks were chosen anew: that is what is asked about
            earlier.reject()
        dialog.open()

    def _question(self, plan: ImportPlan) -> ImportQuestion:
        masked = self._masked(plan.pairs)
        refused, strangers = (
            tuple(ImportRow(each.label, each.reason, fits=False) for each in some)
            for some in (plan.refused, plan.strangers)
        )
        fitting = tuple(
            ImportRow(each.candidate.label, each.name, fits=True, has_mask=each.image_id in masked)
            for each in plan.pairs
        )
        current = next(
            (each for each in plan.pairs if each.image_id == self._document.images.current_id), None
        )
        is_one_of_many = current is not None and len(plan.pairs) > 1
        rows = refused + fitting + strangers
        return ImportQuestion(
            source=f"{plan.source}: {plan.kind}",
            rows=rows[:_SHOWN],
            fitting=len(plan.pairs),
            with_mask=len(masked),
            without=plan.without,
            refused=len(refused),
            strangers=len(strangers),
            more=max(0, len(rows) - _SHOWN),
            current=current.name if current is not None and is_one_of_many else "",
            is_current_masked=current is not None and current.image_id in masked,
            numbers="" if plan.reading.is_sure else plan.reading.numbers.value,
            turned=plan.turned,
        )

    def _masked(self, pairs: Sequence[ImportPair]) -> set[str]:
        """Which of the images have something labelled."""
        return {each.image_id for each in pairs} & set(self._document.masks.labelled_ids())

    def _on_confirmed(self, plan: ImportPlan, choice: ImportChoice) -> None:
        pairs = plan.pairs
        if choice.is_current_only:
            pairs = tuple(each for each in pairs if each.image_id == self._document.images.current_id)
        if self._run is None:
            mode = ImportMode(choice.mode)
            numbers = Numbers(choice.numbers) if choice.numbers else plan.reading.numbers
            reading = replace(plan.reading, numbers=numbers)
            self.start(
                ImportOrder(pairs, mode, choice.is_rest_background, reading, is_turned=choice.is_turned)
            )

    def _on_answered(self, dialog: ImportDialog, _: int) -> None:
        if self.dialog is not dialog:
            return
        self.dialog = None
        if not self.is_running:
            self.labels.lost.emit(self.tr("The masks were not imported."))
        self.labels.changed.emit()

    def _on_finished(self, report: ImportReport) -> None:
        if self._run is not None:
            self._run.deleteLater()
        self._run = None
        sentences = self._sentences(report)
        if report.refused:
            what = self.tr("{0} of {1} masks could not be imported.")
            rest = " ".join(sentences) if report.made + report.same else ""
            self._errors.report(
                LatentsegError(
                    f"{what.format(len(report.refused), report.total)} {rest}".strip(),
                    action=_reasons(report),
                    detail=_details(report),
                )
            )
        else:
            self._errors.inform(" ".join(sentences))
        if report.is_cancelled or report.refused:
            self.labels.lost.emit(_lost(report))
        self.labels.changed.emit()

    def _sentences(self, report: ImportReport) -> list[str]:
        """What came in, and what could not be represented."""
        sentences = [_counted(report), *_unchanged(report)]
        if report.new_classes:
            sentences.append(self.tr("New classes: {0}.").format(listed(report.new_classes)))
        objects = report.objects
        if objects is not None:
            text = self.tr("{0} of {1} objects were imported.")
            sentences.append(text.format(objects.taken, objects.total))
        sentences += _left_alone(report)
        notes = [*self._found, *summary_of(report.notes)]
        if len(notes) > _NOTES:
            notes = [*notes[:_NOTES], self.tr("... and {0} more remarks.").format(len(notes) - _NOTES)]
        return [*sentences, *notes]


def _left_alone(report: ImportReport) -> list[str]:
    """What was not replaced since it is locked."""
    sentences = []
    if report.locked == 1:
        sentences.append(_tr("1 locked object was left as it was."))
    elif report.locked:
        sentences.append(_tr("{0} locked objects were left as they were.").format(report.locked))
    if report.locked_classes:
        names = listed(in_quotes(sorted(report.locked_classes)))
        sentences.append(_tr("Locked, so left as it was: {0}.").format(names))
    return sentences


def _unchanged(report: ImportReport) -> list[str]:
    """Of what there is no step in the history."""
    sentences = []
    if report.skipped:
        one = _tr("1 image has a mask already and was left as it is.")
        text = _tr("{0} images have a mask already and were left as they are.")
        sentences.append(one if report.skipped == 1 else text.format(report.skipped))
    if report.same:
        one = _tr("1 mask is as it was before.")
        text = _tr("{0} masks are as they were before.")
        sentences.append(one if report.same == 1 else text.format(report.same))
    return sentences


def _counted(report: ImportReport) -> str:
    if report.is_cancelled:
        text = _tr("Stopped: {0} of {1} masks were imported; undo takes them back one by one.")
        return text.format(report.made, report.total)
    if report.made < 2:
        return _tr("1 mask was imported.") if report.made else _tr("No mask was imported.")
    return _tr("{0} masks were imported.").format(report.made)


def _lost(report: ImportReport) -> str:
    """Why masks do not come that somebody may wait for."""
    if report.is_cancelled:
        return _tr("The import of masks was stopped.")
    return _tr("Not all masks could be imported.")


def nothing_fits(plan: ImportPlan) -> LatentsegError:
    """What to say where masks were found, and none of them is for an image of the list."""
    others = plan.refused + plan.strangers
    few = "; ".join(f"{each.label}: {each.reason}" for each in others[:_FEW])
    notes = " ".join(plan.notes[:_FEW])
    return LatentsegError(
        f"No mask of “{plan.source}” fits an image of the list. {few} {notes}".strip(),
        action="Masks and images must be named alike (photo.jpg and photo.png) and be of one size.",
        detail="\n".join(f"{each.label}: {each.reason}" for each in others[:_SHOWN]),
    )


def _reasons(report: ImportReport) -> str:
    first = report.refused[0]
    return first.reason if len(report.refused) == 1 else "The details say which and why."


def _details(report: ImportReport) -> str:
    lines = [f"{each.label}: {each.reason}" for each in report.refused]
    lines += [f"{name}: {note}" for name, note in report.notes]
    if len(lines) > _SHOWN:
        lines = [*lines[:_SHOWN], f"... and {len(lines) - _SHOWN} more"]
    return "\n".join(shown(line) for line in lines)


def _tr(text: str) -> str:
    return QCoreApplication.translate("ImportController", text)
