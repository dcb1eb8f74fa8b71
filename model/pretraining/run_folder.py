"""What a run of pre-training leaves in its folder: a log, a state to go on from, and weights."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from model.errors import ModelError
from model.networks.config import NetworkConfig

LOG = logging.getLogger("model.pretraining")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run.

    Attributes:
        path: of the folder.
        network: sizes of what is trained.
        learns: which part of it; see `PretrainConfig.only`.
        on_log: receives one line of figures (a dict) now and then.
    """

    path: Path
    network: NetworkConfig
    learns: str = ""
    on_log: Callable[[dict[str, Any]], None] | None = None

    @property
    def state_path(self) -> Path:
        """Where the state to resume from lies."""
        return self.path / "state.pt"

    @property
    def weights_path(self) -> Path:
        """Where the averaged weights go."""
        return self.path / "weights.safetensors"

    def log(self, line: dict[str, Any]) -> None:
        """Add a line of figures to the log."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        LOG.info("%s", json.dumps(line))
        if self.on_log is not None:
            self.on_log(line)

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep a state to go on from."""
        partial = self.state_path.with_suffix(".part")
        torch.save({**state, "network": self.network.to_json(), "learns": self.learns}, partial)
        partial.replace(self.state_path)

    def state(self, device: str) -> dict[str, Any] | None:
        """What was saved last; None where nothing was.

        Raises:
            ModelError: it is of another network, or of another part of it.
        """
        if not self.state_path.is_file():
            return None
        state: dict[str, Any] = torch.load(self.state_path, map_location=device, weights_only=True)
        if state["network"] != self.network.to_json() or state.get("learns", self.learns) != self.learns:
            raise ModelError(
                f'The run in "{self.path}" is of a network of other sizes, or taught another part of it.',
                action="Choose another output folder or remove its state.pt.",
            )
        LOG.info("resumed at step %d", state["step"])
        return state
