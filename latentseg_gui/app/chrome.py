"""What belongs to the window rather than to a flow: messages, hint line, status bar, samples, help."""

from __future__ import annotations

from PySide6.QtCore import QObject

from latentseg_gui.app.hints import hint
from latentseg_gui.app.session import Session
from latentseg_gui.app.shortcuts import key_text
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.panels.feedback import DeviceChoice, Message
from latentseg_gui.panels.shortcut_tooltips import with_key


class Chrome(QObject):
    """Keeps the frame round the flows up to date."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._window = session.window
        self._document = session.document
        self._device: tuple[str, str] | None = None
        self._version = self._click_model = ""
        session.reporter.reported.connect(self._on_error_reported)
        session.reporter.informed.connect(self._on_informed)
        session.lanes.engine.lane_state_changed.connect(self._on_engine_state_changed)
        session.lanes.training.lane_state_changed.connect(self._on_training_state_changed)
        self._follow_document()

    def begin(self) -> None:
        """Shows the state of things at the start."""
        self._window.set_version_text(self.tr("loading the model..."))
        self._refresh_history()
        self.refresh_hint()

    def actual_size(self) -> None:
        """One image pixel per screen pixel."""
        self._window.canvas.camera.zoom_to(1.0)

    def mark_ready(self, image_id: str) -> None:
        """Shows that clicks on the image answer at once."""
        self._window.files.set_ready(image_id, True)

    def mark_none_ready(self) -> None:
        """Shows that the model has to see every image anew."""
        for image_id in self._document.images.ids:
            self._window.files.set_ready(image_id, False)

    def show_weights(self, weights: WeightsInfo) -> None:
        """Shows which weights are live, and where they run."""
        self.mark_none_ready()
        self._version = weights.version
        self._show_who_answers()
        self._device = weights.device, weights.device_reason
        self._window.device.set_device(*self._device)
        self._window.device.set_choices(_DEVICES, self._session.weights.device)
        self.refresh_hint()

    def show_click_model(self, title: str) -> None:
        """Shows which click model answers clicks; "" for the model itself."""
        self._click_model = title
        self._show_who_answers()

    def _show_who_answers(self) -> None:
        text = self.tr("weights: {0}").format(self._version)
        clicks = self.tr("clicks: {0}").format(self._click_model) if self._click_model else ""
        self._window.set_version_text(" · ".join(filter(None, (text, clicks))))

    def choose_device(self, key: str) -> None:
        """Runs the model elsewhere from now on, at the next start too."""
        self._session.weights.use_device(key)
        self._session.preferences.device = key  # type: ignore[assignment]  # checked on assignment

    def refresh_hint(self, *_: object) -> None:
        """Says what to do next."""
        self._window.set_hint(
            self._session.intervene.summary
            or hint(
                self._document,
                self._session.tool.tool,
                self._session.weights.live is not None,
                self.key_of,
                each_is_new=self._window.action["each_new"].isChecked(),
            )
        )

    def refresh_keys(self) -> None:
        """Names other keys where keys are named."""
        self._refresh_history()
        self.refresh_hint()

    def key_of(self, name: str) -> str:
        """The key of an action as the user reads it, or the name of the action where it has none."""
        action = self._window.action[name]
        return key_text(action) or f"“{action.text()}”"

    def _follow_document(self) -> None:
        events = self._document.events
        self._window.action["each_new"].toggled.connect(self.refresh_hint)
        for event in (
            events.current_changed,
            events.prediction_changed,
            events.proposal_changed,
            events.prompts_changed,
            events.mask_changed,
            events.classes_changed,
            events.active_class_changed,
        ):
            event.connect(self.refresh_hint)
        self._session.tool.tool_changed.connect(self.refresh_hint)
        events.proposal_changed.connect(self._on_proposal_changed)
        events.prompts_changed.connect(self._on_proposal_changed)
        events.current_changed.connect(self._on_current_changed)
        self._session.history.events.changed.connect(self._refresh_history)

    def _on_error_reported(self, error: LatentsegError) -> None:
        self._window.messages.show_message(Message(error.what, error.action, error.detail))

    def _on_informed(self, sentence: str) -> None:
        self._window.messages.show_message(Message(sentence, kind="info"))

    def _on_engine_state_changed(self, state: str) -> None:
        """A model that does not come back stays to be seen beside its device (`ModelProcessController` says it)."""
        if state == "broken":
            what = self.tr("The model stopped several times in a row and does not run now.")
            self._window.device.set_device(self.tr("model stopped"), what)
        elif state == "ready" and self._device is not None:
            self._window.device.set_device(*self._device)

    def _on_training_state_changed(self, state: str) -> None:
        if state == "broken":
            self._on_broken(self.tr("The training process stopped several times in a row."))

    def _on_broken(self, what: str) -> None:
        action = self.tr(
            "It is tried again with the next step. If it stops again, save your work; the self-test in the menu "
            "of the device says what is wrong."
        )
        self._session.reporter.report(LatentsegError(what, action=action))

    def _on_proposal_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id:
            self._window.options.set_proposal_available(not self._document.prompts.is_idle(image_id))

    def _on_current_changed(self, image_id: str | None) -> None:
        self._window.options.set_proposal_available(
            image_id is not None and not self._document.prompts.is_idle(image_id)
        )

    def _refresh_history(self) -> None:
        history, action = self._session.history, self._window.action
        action["undo"].setEnabled(history.can_undo)
        action["redo"].setEnabled(history.can_redo)
        undo, redo = self.tr("Undo {0}"), self.tr("Redo {0}")
        for name, words, label in (("undo", undo, history.undo_label), ("redo", redo, history.redo_label)):
            text = words.format(label.lower()).strip()
            action[name].setToolTip(with_key(text, key_text(action[name])))
        self._window.history.set_steps([entry.label for entry in history.entries], history.position)


_DEVICES = (
    DeviceChoice("auto", "Automatic"),
    DeviceChoice("cpu", "CPU"),
    DeviceChoice("cuda", "GPU (CUDA)"),
    DeviceChoice("mps", "GPU (Apple)"),
)
