"""Which layers are drawn, and what the legend says of them."""

from __future__ import annotations

from latentseg_gui.canvas.chrome.legend import Legend, LegendEntry
from latentseg_gui.canvas.layers.stack import LayerStack
from latentseg_gui.canvas.surface import Surface


class VisibilityPart:
    """Switches layers on and off; the legend is there while mask and prediction are.

    Attributes:
        legend: the line that explains their looks.
    """

    def __init__(self, surface: Surface, stack: LayerStack, legend: Legend) -> None:
        self.legend = legend
        self._surface = surface
        self._stack = stack
        self._entries: tuple[LegendEntry, ...] = ()
        self._of_errors: tuple[LegendEntry, ...] | None = None
        self._restack()

    def set_legend(self, entries: tuple[LegendEntry, ...]) -> None:
        """Explains what the looks of mask and prediction mean; nothing for no legend."""
        self._entries = entries
        self._explain()

    def set_errors_legend(self, entries: tuple[LegendEntry, ...] | None) -> None:
        """Explains the looks of errors while they are drawn in the place of mask and prediction; None ends that."""
        self._of_errors = entries
        self._restack()
        self._explain()

    def _explain(self) -> None:
        entries = self._entries if self._of_errors is None else self._of_errors
        if entries != self.legend.entries:
            self.legend.entries = entries
            self._surface.refresh_chrome(self.legend)

    def set_overlay(self, is_visible: bool) -> None:
        """Shows or hides mask and prediction."""
        self._stack.shows_overlay = is_visible
        self._restack()

    def set_peek(self, is_on: bool) -> None:
        """Shows the raw image and nothing else while it is on."""
        self._stack.is_peeking = is_on
        self._restack()

    def set_comparing(self, is_on: bool) -> None:
        """Shows the two halves of a comparison in place of mask and prediction."""
        self._stack.is_comparing = is_on
        self._restack()

    def _restack(self) -> None:
        stack = self._stack
        self.legend.is_shown = stack.shows_overlay and not stack.is_peeking and not stack.is_comparing
        self._surface.set_layers(stack.visible())
