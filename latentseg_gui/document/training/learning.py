"""What can learn, and the settings of fine-tuning, as values."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

_OPTION: Final = "option"


@dataclass(frozen=True, slots=True)
class Speed:
    """How much of the network learns, and for how long where nobody says otherwise.

    Attributes:
        name: as the model library and the command line know it.
        seconds: time budget.
    """

    name: str
    seconds: float


SPEEDS: Final = {
    each.name: each for each in (Speed("live", 1.0), Speed("quick", 30.0), Speed("thorough", 180.0))
}
"""The speeds by name, the fastest first; window and command line take names and times from here."""

LATENT_EXPERT: Final = "latent-expert"
"""The network that comes with the program; it alone has speeds, and learns while masks are corrected."""

FROM_SCRATCH: Final = 60.0
"""Seconds for a network that learns from nothing."""

CLICK_SECONDS: Final = 25.0
"""Seconds for clicks to learn from accepted objects."""


def seconds_for(network: str, speed: str) -> float:
    """The time budget where nobody says otherwise."""
    return SPEEDS[speed].seconds if network == LATENT_EXPERT else FROM_SCRATCH


REFIT: Final = Speed("live", 0.35)
"""What follows a correction by itself: it must be over before the next one."""


@dataclass(frozen=True, slots=True)
class NetworkChoice:
    """A network that can be trained.

    Attributes:
        name: as the command line and files of weights know it.
        title: as shown.
        summary: what it is good for, in one sentence.
        limits: what it cannot do, in a sentence or two.
        parameters: numbers that it is made of.
        is_pretrained: whether it comes with weights; others learn from nothing.
        has_pretrained_encoder: whether it is built on the encoder that the shipped weights hold.
    """

    name: str
    title: str
    summary: str
    limits: str
    parameters: int = 0
    is_pretrained: bool = False
    has_pretrained_encoder: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of an option.

    Attributes:
        key: as the model library, the command line and the record of a run know it.
        title: as shown.
        tip: when to take it.
    """

    key: str
    title: str
    tip: str


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Which numbers an option takes.

    Attributes:
        low: the smallest.
        high: the largest in the window; the command line takes larger ones, too.
        step: of the arrows of the field.
        decimals: 0 for whole numbers.
        zero: what 0 means, in words; "" where it is a number like others.
        is_share: whether the window shows percent.
    """

    low: float
    high: float
    step: float = 1.0
    decimals: int = 0
    zero: str = ""
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class LearningOption:
    """What the window and the command line have to know of an option of fine-tuning besides name and default.

    Attributes:
        row: place in the form, from the top.
        title: as shown.
        tip: in the window.
        help: on the command line.
        choices: the values to choose from; empty for numbers.
        is_sum: whether several may be chosen, joined by "+".
        numbers: which numbers; None for choices.
        flag: on the command line; "" for the name.
        metavar: what the value is called in the help of the command line; "" for the choices.
    """

    row: int
    title: str
    tip: str
    help: str
    choices: tuple[Choice, ...] = ()
    is_sum: bool = False
    numbers: NumberRange | None = None
    flag: str = ""
    metavar: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The values to choose from."""
        return tuple(choice.key for choice in self.choices)


def _option(default: Any, option: LearningOption) -> Any:
    return field(default=default, metadata={_OPTION: option})


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """How fine-tuning learns; what most users leave alone.

    An option is declared here and nowhere else: the form in the window, the flags of the command line and what
    is handed to the model library follow from it. Name and default are those of a field of
    `model.training.types.FineTuneConfig` that is marked as an option there; a test compares the two.
    """

    loss: str = _option(
        "cross-entropy+dice",
        LearningOption(
            row=0,
            title="Loss",
            tip="What counts as a mistake; ticked losses are added up",
            help="loss: cross-entropy, dice, focal, lovasz or boundary, or a sum of some, joined by +",
            is_sum=True,
            choices=(
                Choice("cross-entropy", "Cross-entropy", "Every pixel counts; the usual choice"),
                Choice("dice", "Dice", "Overlap per class; small classes count as much as large"),
                Choice("focal", "Focal", "Pixels that are right already hardly count"),
                Choice("lovasz", "Lovász", "Improves the intersection over union itself"),
                Choice("boundary", "Boundary", "Pixels near an outline count more"),
            ),
        ),
    )
    optimiser: str = _option(
        "adamw",
        LearningOption(
            row=4,
            title="Optimiser",
            tip="How a mistake becomes a change of weights",
            help="optimiser of the training",
            choices=(
                Choice("adamw", "AdamW", "Robust; the usual choice"),
                Choice("adam", "Adam", "As AdamW, without weight decay"),
                Choice("nadam", "NAdam", "AdamW that looks a step ahead"),
                Choice("sgd", "SGD", "Plain gradients with momentum; slower, sometimes steadier"),
            ),
        ),
    )
    learning_rate: float = _option(
        0.0,
        LearningOption(
            row=5,
            title="Learning rate",
            tip="How large a step is; 0 chooses",
            help="learning rate of the head; 0 chooses one",
            numbers=NumberRange(0.0, 1.0, step=0.0005, decimals=5, zero="automatic"),
            metavar="RATE",
        ),
    )
    parts: str = _option(
        "auto",
        LearningOption(
            row=1,
            title="Learns",
            tip="Which parts of the network may change",
            help="which part learns: head; experts and head; top of the backbone, too; everything; auto: by speed",
            flag="--train",
            choices=(
                Choice("auto", "As the speed asks", "Quick: experts and head. Thorough: all"),
                Choice("head", "Head only", "Least to go wrong with very few labels"),
                Choice("experts", "Experts and head", "The image encoder stays as it is"),
                Choice("top", "Also the top of the encoder", "What it makes of what it sees"),
                Choice("all", "Everything", "For images unlike any photograph; takes minutes"),
            ),
        ),
    )
    augmentation: float = _option(
        1.0,
        LearningOption(
            row=3,
            title="Variations",
            tip="How strongly size, direction, light and colour of the images are varied",
            help="strength of the variations of size, direction, light and colour, 0 for none",
            numbers=NumberRange(0.0, 2.0, decimals=2, is_share=True),
            metavar="STRENGTH",
        ),
    )
    validation: str = _option(
        "held-out",
        LearningOption(
            row=2,
            title="Measured on",
            tip="What decides whether the new weights are better",
            help="measure on held-out pixels, or leave every image out in turn, which takes half of the time",
            choices=(
                Choice("held-out", "Held-out pixels", "Part of your labels is kept for measuring"),
                Choice(
                    "cross",
                    "Every image in turn",
                    "Cross-validation: each image is judged by a network that has not seen it. Honest about "
                    "new images; takes half of the time, and at least two images",
                ),
            ),
        ),
    )
    seed: int = _option(
        0,
        LearningOption(
            row=6,
            title="Seed",
            tip="The same seed draws the same random numbers",
            help="seed of all random numbers",
            numbers=NumberRange(0, 2**31 - 1),
        ),
    )


def learning_options() -> dict[str, LearningOption]:
    """Every option by the name of its setting."""
    return {each.name: each.metadata[_OPTION] for each in fields(LearningSettings)}
