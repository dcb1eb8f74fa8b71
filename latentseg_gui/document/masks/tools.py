"""The tools of the hand: one entry says all that menu, tool bar, options bar and hints show of a tool."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Option = Literal[
    "accept",
    "clear",
    "drag",
    "each_new",
    "preview",
    "protect",
    "diameter",
    "eraser",
    "tolerance",
    "tighten",
    "pieces",
]
"""What the options bar can offer for a tool."""


class ClickDrag(Enum):
    """What a drag with the click tool draws."""

    BOX = "box"
    STROKE = "stroke"
    LASSO = "lasso"

    @property
    def next(self) -> ClickDrag:
        """The one after it, in a circle."""
        kinds = list(ClickDrag)
        return kinds[(kinds.index(self) + 1) % len(kinds)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """All about a tool but its gesture.

    Attributes:
        text: what the menu calls it.
        short: what the tool bar calls it, where ``text`` is too long for that.
        key: its default shortcut in Qt's portable text form.
        icon: name of its icon.
        hint: what to do with it; names keys as {action}, see `latentseg_gui.app.hints`.
        options: what the options bar offers with it.
        writes: whether it changes the mask by the class in use, so that hidden and locked classes matter.
        keeps_selection: whether it works on the objects that are chosen, so that they stay chosen.
    """

    text: str
    key: str
    icon: str
    hint: str
    options: tuple[Option, ...] = ()
    short: str = ""
    writes: bool = False
    keeps_selection: bool = False


class ToolName(Enum):
    """The tools there are, in the order in which menu and tool bar show them."""

    CLICK = ToolSpec(
        text="Click",
        key="C",
        icon="click",
        hint=(
            "Click on an object, right-click on what does not belong to it; or drag a box round it, with Ctrl a line "
            "along it or round it ({next_drag}). Ctrl+click corrects what is there; {each_new}: one click, one object."
        ),
        options=("accept", "clear", "drag", "each_new", "tighten", "preview", "protect"),
        writes=True,
    )
    BRUSH = ToolSpec(
        text="Brush",
        key="B",
        icon="brush",
        hint=(
            "Paint the class in use (keys 1-9, 0 is background). Right-drag erases, "
            "{brush_smaller} and {brush_larger} change the size."
        ),
        options=("diameter", "protect"),
        writes=True,
    )
    ERASER = ToolSpec(
        text="Eraser",
        key="E",
        icon="eraser",
        hint=(
            "Paint over what is wrong: “Eraser leaves” says what is there then. "
            "{brush_smaller} and {brush_larger} change the size."
        ),
        options=("diameter", "eraser"),
        writes=True,
    )
    POLYGON = ToolSpec(
        text="Polygon",
        key="P",
        icon="polygon",
        hint="Click corner after corner; Enter closes the polygon, Backspace drops the last corner.",
        options=("protect",),
        writes=True,
    )
    LASSO = ToolSpec(
        text="Lasso",
        key="L",
        icon="lasso",
        hint="Draw round an area; it is filled when you let go.",
        options=("protect",),
        writes=True,
    )
    FILL = ToolSpec(
        text="Fill",
        key="F",
        icon="fill",
        hint="Click into an area to fill it with the class in use.",
        options=("protect",),
        writes=True,
    )
    WAND = ToolSpec(
        text="Magic wand",
        short="Wand",
        key="W",
        icon="wand",
        hint="Click on a colour; the connected area of similar colour is filled.",
        options=("tolerance", "protect"),
        writes=True,
    )
    PICKER = ToolSpec(
        text="Pick class",
        short="Pick",
        key="I",
        icon="picker",
        hint="Click on a pixel to paint with its class.",
    )
    SELECT = ToolSpec(
        text="Select",
        key="S",
        icon="select",
        hint="Click on an object of the mask, or drag a box over some; Shift adds; right-click for what can be done.",
        keeps_selection=True,
    )
    SPLIT = ToolSpec(
        text="Split",
        key="Shift+S",
        icon="cut",
        hint="Draw a line across an object, or click once into each of its halves; or choose how many pieces.",
        options=("pieces",),
        keeps_selection=True,
    )
    JOIN = ToolSpec(
        text="Join",
        key="J",
        icon="merge",
        hint="Drag from one object of the mask to another: they become one, of the class of the first.",
        keeps_selection=True,
    )
    OUTLINE = ToolSpec(
        text="Edit outline",
        short="Outline",
        key="Shift+E",
        icon="corners",
        hint="Click on an object, then drag its corners or sides; right-click takes a corner away.",
        keeps_selection=True,
    )
    NUDGE = ToolSpec(
        text="Push and pull",
        short="Push",
        key="Shift+P",
        icon="nudge",
        hint="Push or pull the border of an object; {brush_smaller} and {brush_larger} change the size.",
        options=("diameter",),
        keeps_selection=True,
    )

    CANDIDATES = ToolSpec(
        text="Accept proposals",
        short="Take",
        key="Y",
        icon="check",
        hint=(
            "Click on a proposed object to accept it, right-click to drop it; {accept} accepts all that are shown, "
            "{cancel} drops them."
        ),
        writes=True,
    )

    @property
    def spec(self) -> ToolSpec:
        """All about the tool but its gesture."""
        return self.value

    @property
    def action(self) -> str:
        """The name of the action that puts it into the hand: "tool_click"."""
        return f"tool_{self.name.lower()}"
