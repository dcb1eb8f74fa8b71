"""The one line that says what to do next."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication

from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.tools import ToolName

NAMED = (
    "accept",
    "cancel",
    "drop_click",
    "next_meaning",
    "next_drag",
    "each_new",
    "brush_smaller",
    "brush_larger",
    "grow",
    "shrink",
    "follow_edges",
)
"""Actions whose keys the sentences name."""


def hint(
    document: Document,
    tool: ToolName,
    is_model_ready: bool,
    key_of: Callable[[str], str],
    *,
    each_is_new: bool = False,
    has_failed: bool = False,
) -> str:
    """What to do next, given what there is and which tool is in the hand.

    Args:
        document: the truth.
        tool: the tool in the hand.
        is_model_ready: whether clicks can be answered.
        key_of: the key of an action as the user reads it, or the name of the action where it has none.
        each_is_new: whether each click is a new object.
        has_failed: whether no model comes by itself.
    """
    keys = {name: key_of(name) for name in NAMED}
    text = _text(document, tool, is_model_ready or has_failed, each_is_new).format_map(keys)
    if has_failed and document.images.current_id is not None and tool is ToolName.CLICK:
        text = _said("The model could not be loaded; you can look around, paint, import and export.")
    return " ".join(part for part in (text, _about_classes(document, tool)) if part)


def _about_classes(document: Document, tool: ToolName) -> str:
    """Why a stroke will not be seen, or not be everywhere."""
    if document.images.current_id is None or not tool.spec.writes:
        return ""
    active = document.active_class
    parts = []
    if tool is not ToolName.ERASER and not document.classes[active].is_visible:
        parts.append(_said("“{0}” is hidden: open its eye to see it.").format(document.classes[active].name))
    locked = [f"“{each.name}”" for each in document.classes if each.is_locked]
    if locked:
        parts.append(_said("Locked, so not changed: {0}.").format(", ".join(locked)))
    return " ".join(parts)


def _text(document: Document, tool: ToolName, is_model_ready: bool, each_is_new: bool) -> str:
    image_id = document.images.current_id
    if image_id is None:
        return _said("Open an image, or drop one on the window. The samples are there to try.")
    if not document.prompts.is_idle(image_id):
        return _of_pointing(document, image_id, tool, each_is_new)
    if not is_model_ready:
        return _said("The model is being loaded; you can look around and paint already.")
    return _said(tool.spec.hint)


def _of_pointing(document: Document, image_id: str, tool: ToolName, each_is_new: bool) -> str:
    """What can be done with what is pointed at."""
    if tool is not ToolName.CLICK and document.prompts.proposal(image_id) is not None:
        proposed = _said("{accept} accepts the object that is proposed, {cancel} clears it.")
        return f"{proposed} {_said(tool.spec.hint)}"
    if document.prompts.earlier(image_id):
        return _said(
            "{accept} accepts all of them. Drag a box round the next; a click into one corrects it. "
            "{drop_click} takes the last back, {cancel} clears all."
        )
    if document.prompts.proposal(image_id) is None:
        return _said("The model is looking at the image; your click is answered as soon as it has.")
    if each_is_new and document.prompts.of(image_id).taken_up is None:
        return _said(
            "The next click, box or line is a new object and accepts this one; right-click where it is too much. "
            "{accept} accepts the last, {each_new} ends this."
        )
    if document.prompts.of(image_id).is_empty:
        return _said(
            "Too wide or narrow all round: Shift + wheel moves the border ({shrink}, {grow}), {follow_edges} "
            "snaps it to edges. Click where something is missing, right-click where it is too much; "
            "{accept} accepts."
        )
    return _said(
        "{accept} accepts. Click where something is missing, right-click where it is too much. "
        "{next_meaning}: another meaning; {cancel} clears."
    )


def _said(text: str) -> str:
    return QCoreApplication.translate("hints", text)
