"""What the window knows of a set of weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from latentseg_gui.document.training.learning import LATENT_EXPERT, NetworkChoice
from latentseg_gui.document.training.mix_worth import MixWorth


@dataclass(frozen=True, slots=True)
class WeightsInfo:
    """What the window must know of a set of weights.

    Attributes:
        version: name shown to the user, unique in the session.
        path: the safetensors file; None for the shipped default.
        class_names: names by class id.
        class_colours: "#rrggbb" by class id; may be empty.
        smallest: pixels of the smallest object by class id, -1 for classes without objects; may be empty.
        num_experts: K.
        num_heads: attention heads.
        expert_names: names the user gave, by expert index.
        device: where the model runs, for the status bar ("CPU, 2 threads").
        device_reason: why it runs there.
        expert_notes: notes the user wrote, by expert index.
        attention: the same for weights whose experts attend to the same on every image; "" is like no other.
        network: which network they are of (`NetworkChoice.name`).
        title: of that network.
        capabilities: what it can do besides predicting classes: "clicks", "experts", "rows" (what a place attends
            to), "gates", "rollout", "live" (learning while masks are corrected).
        networks: all that can be trained, the default first.
        seen: what they have learned from: cells by the mark of an image, see `model.analysis.cells`.
        mix_worth: what the learned mix of experts was worth when the weights were made; None where nobody measured.
    """

    version: str
    path: Path | None
    class_names: tuple[str, ...]
    class_colours: tuple[str, ...]
    num_experts: int
    num_heads: int
    device: str
    device_reason: str
    expert_names: dict[int, str] = field(default_factory=dict)
    expert_notes: dict[int, str] = field(default_factory=dict)
    attention: str = ""
    network: str = LATENT_EXPERT
    title: str = "Latent experts"
    capabilities: frozenset[str] = frozenset({"clicks", "experts", "live"})
    networks: tuple[NetworkChoice, ...] = ()
    seen: dict[str, int] = field(default_factory=dict)
    mix_worth: MixWorth | None = None
    smallest: tuple[int, ...] = ()

    def can(self, what: str) -> bool:
        """Whether the network can do something besides predicting classes."""
        return what in self.capabilities
