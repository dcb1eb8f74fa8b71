"""What the panel says of maps and experts, in words and numbers."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from latentseg_gui.document.wording import percent
from latentseg_gui.panels.experts.attention_math import Floats
from latentseg_gui.panels.experts.state import ExpertsState


def _tr(text: str) -> str:
    return QCoreApplication.translate("experts", text)


def number_text(state: ExpertsState, row: int) -> str:
    """What a row is called while it has no name."""
    return f"{'' if state.maps is None else state.maps.rows} {row}"


def scale_text(state: ExpertsState) -> str:
    """Unit, heads and range of what is shown."""
    choice = state.choice
    heads = {"mean": _tr("mean of heads"), "max": _tr("max of heads")}
    head = heads.get(str(choice.head)) or _tr("head {0}").format(int(choice.head) + 1)
    scale = {
        "expert": _tr("own range of each, middle 99 %"),
        "shared": _tr("one range for all, middle 99 %"),
        "zero": _tr("one scale for all, from 0"),
    }[choice.normalisation]
    return f"{state.view.unit}, {head}, {scale}"


def resolution_text(state: ExpertsState, *, is_refining: bool) -> str:
    """How much of the image a value stands for."""
    maps, part = state.maps, state.part
    if maps is None:
        return ""
    whole = _tr("{0} px").format(short(maps.stride))
    text = _tr("Whole image: a value for every {0} x {0}.").format(whole)
    if part is not None:
        text = _tr("Refined for the visible part: a value for every {0} x {0}; elsewhere {1} x {1}.")
        text = text.format(_tr("{0} px").format(short(part.stride)), whole)
    return f"{text} {_tr('Refining the visible part...')}" if is_refining else text


def figures_text(state: ExpertsState, expert: int) -> str:
    """What is known of an expert."""
    figures = state.figures
    has_shares = state.maps is not None and state.maps.shares is not None
    parts = (
        [_tr("explains {0} of the image").format(percent(float(figures.mass[expert]), 1))]
        if has_shares
        else []
    )
    parts.append(_tr("spread of look {0}").format(f"{figures.spread[expert]:.2f}"))
    main = state.main_class(expert)
    if main is not None:
        parts.append(_tr("{0} of that is {1}").format(percent(main[1]), main[0]))
    return " · ".join(parts)


def badge_text(gains: Floats) -> str:
    """What was done to the heads of an expert, [heads], in a word."""
    if (gains == 1).all():
        return ""
    if (gains == gains[0]).all():
        return f"x{gains[0]:g}"
    out = int((gains == 0).sum())
    return _tr("{0}/{1} heads").format(gains.size - out, gains.size) if out else _tr("heads")


def short(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}"
