"""What the levels panel shows and asks for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tone:
    """How the values of a file become light.

    Attributes:
        channel: the only channel shown, in grey; None for colour.
        levels: the values shown black and white; None for those chosen when the file was read.
        gamma: of the curve between them; above 1 brightens the middle.
        is_inverted: whether small values are shown bright.
    """

    channel: int | None = None
    levels: tuple[float, float] | None = None
    gamma: float = 1.0
    is_inverted: bool = False


@dataclass(frozen=True, slots=True)
class ValueRange:
    """What there is to choose from in an image.

    Attributes:
        low: least value of the file.
        high: largest value of the file.
        levels: what is shown black and white by default.
        channels: how many channels the file has.
        kind: the type of the values, for the user ("16-bit", "float").
        is_whole: whether the values are whole numbers.
    """

    low: float
    high: float
    levels: tuple[float, float]
    channels: int
    kind: str
    is_whole: bool
