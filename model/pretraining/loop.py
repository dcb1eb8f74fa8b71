"""The training loop: resumable, logged, with a data process of its own."""

from __future__ import annotations

import itertools
import json
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from model.networks.config import NetworkConfig
from model.networks.network import LatentExpertNetwork, build_latent_expert
from model.pretraining.cache import Cache
from model.pretraining.candidates import CANDIDATE_PARTS, candidates_step
from model.pretraining.crops import Batch, CropSampler
from model.pretraining.run_folder import RunFolder
from model.pretraining.schedule import STAGES, AverageWeights, Budget, Stage, descend, learning_rate, stage_at
from model.pretraining.start import begin_from
from model.pretraining.step import CLASS_PARTS, StepResult, Trainee, classes_step, train_step
from model.weights import checkpoint
from model.weights.atomic import write_atomically

# Clicked rounds without gradient in a step; the long ones teach what to do late in a session.
_SILENT_ROUNDS = (0, 0, 1, 1, 2, 2, 3, 5)

# How often each set is drawn from, by set and not by picture: narrow ones would drown the others. Regions of
# many annotators teach most about where things end.
SHARES = {
    "bsds_train": 0.30,
    "coco_train": 0.16,
    "coco_more": 0.03,
    "ccp": 0.09,
    "human": 0.05,
    "facade": 0.06,
    "camvid_train": 0.05,
    "pets": 0.05,
    "football": 0.03,
    "village": 0.03,
    "bottles": 0.03,
    "food_plates": 0.03,
    "wood": 0.02,
    "banknotes": 0.02,
    "mandarins": 0.02,
    "fire_trucks": 0.02,
    "feet": 0.02,
    "trains": 0.02,
}

_ENCODER = "backbone.encoder."


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """One run.

    Attributes:
        data: folder with the sets.
        output: folder for the log, the state to resume from, the cache and the weights.
        steps: budget in steps, as the shipped weights had it; 0: `seconds` decide.
        seconds: budget in seconds where `steps` is 0.
        peak_rate: highest learning rate.
        weight_decay: of AdamW.
        seed: of everything.
        save_every: seconds between states saved.
        is_bf16: autocast to bfloat16.
        device: "cpu", "cuda" or "mps".
        stages: crop sizes over the run.
        network: sizes.
        encoder: weights of a pretrained encoder, as `model.pretraining.convert` writes them, or None.
        start: weights of this program to begin from, wherever names and shapes agree, or None.
        frozen_until: share of the budget during which a pretrained encoder stays as it is.
        encoder_rate: its learning rate afterwards, as a share of the others'.
        only: "candidates": only the other meanings of a click are learned, "classes": only what foreground is,
            "objects": only what objects look like; all else stays as ``start`` has it. "":
            everything learns.
    """

    data: Path
    output: Path
    steps: int = 5504
    seconds: float = 0.0
    peak_rate: float = 1.5e-3
    weight_decay: float = 0.03
    seed: int = 0
    save_every: float = 150.0
    is_bf16: bool = True
    device: str = "cpu"
    stages: tuple[Stage, ...] = STAGES
    network: NetworkConfig = field(default_factory=NetworkConfig)
    encoder: Path | None = None
    start: Path | None = None
    frozen_until: float = 0.5
    encoder_rate: float = 0.2
    only: Literal["", "candidates", "classes", "objects"] = ""


class _Crops(IterableDataset[Batch]):
    """Endless batches. Where the budget is time, the loop says through a shared number which stage is on."""

    def __init__(self, cache: Cache, config: PretrainConfig, first_step: int, stage: Any) -> None:
        super().__init__()
        self._cache, self._config, self._first, self._stage = cache, config, first_step, stage

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        rng = np.random.default_rng((self._config.seed, self._first))
        sampler = CropSampler(self._cache, SHARES, rng)
        config = self._config
        for step in itertools.count(self._first):
            # Batches are made ahead: only a count of their own gives the same ones however fast they are used.
            index = stage_at(step / config.steps, config.stages) if config.steps else self._stage.value
            stage = config.stages[index]
            size = stage.sizes[rng.integers(len(stage.sizes))]
            yield sampler.batch(stage.batch, size)


def learn_only(network: LatentExpertNetwork, parts: tuple[str, ...]) -> None:
    """Freeze all of ``network`` but what has a name that begins with one of ``parts``."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith(parts))


def _slices(cache: Cache) -> list[tuple[int, int] | None]:
    offsets = cache.semantic_offsets()
    return [(offsets[n], s.num_classes) if n in offsets else None for n, s in cache.sources.items()]


class Pretraining:
    """A run that can be stopped and taken up again.

    Args:
        config: of the run.
        on_log: receives one line of figures (a dict) now and then.

    Attributes:
        network_class: of what is trained; a rival design may stand in.
    """

    network_class: type[LatentExpertNetwork] = LatentExpertNetwork

    def __init__(
        self, config: PretrainConfig, on_log: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        self._config = config
        self._folder = RunFolder(config.output, config.network, config.only, on_log)
        config.output.mkdir(parents=True, exist_ok=True)
        self._cache = Cache.open(config.data, config.output / "cache")
        torch.manual_seed(config.seed)
        network = self.network_class(**config.network.arguments())
        self._provenance = begin_from(network, encoder=config.encoder, start=config.start)
        self._trainee = Trainee(network, _slices(self._cache))
        self._trainee.to(config.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if config.only:
            learn_only(network, CANDIDATE_PARTS if config.only == "candidates" else CLASS_PARTS)
            self._trainee.semantic.requires_grad_(False)
        self._optimiser = torch.optim.AdamW(
            self._groups(),
            lr=config.peak_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self._average = AverageWeights(network)
        self._step = 0
        self._spent = 0.0
        self._resume()

    def run(self) -> Path:
        """Train until the budget is used; return the path of the averaged weights."""
        config = self._config
        budget = Budget(steps=config.steps, seconds=config.seconds, spent=self._spent)
        stage = multiprocessing.Value("i", stage_at(budget.progress(self._step), config.stages))
        crops = _Crops(self._cache, config, self._step, stage)
        loader = DataLoader(crops, batch_size=None, num_workers=1, prefetch_factor=4)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + self._step)
        last_saved = budget.spent
        self._trainee.train()
        for batch in loader:
            progress = budget.progress(self._step)
            if progress >= 1.0:
                break
            stage.value = stage_at(progress, config.stages)
            self._one_step(batch, generator, progress, budget)
            if budget.spent - last_saved > config.save_every:
                last_saved = budget.spent
                self._save(budget)
        self._save(budget)
        self._export(budget)
        return self._folder.weights_path

    def _groups(self) -> list[dict[str, Any]]:
        """Weight decay on matrices and kernels only; a pretrained encoder learns at a rate of its own."""
        groups: list[dict[str, Any]] = []
        named = [(name, p) for name, p in self._trainee.named_parameters() if p.requires_grad]
        for is_encoder in (False, True):
            own = [p for name, p in named if (f"network.{_ENCODER}" in name) == is_encoder]
            share = self._config.encoder_rate if is_encoder else 1.0
            groups.append({"params": [p for p in own if p.ndim > 1], "share": share})
            groups.append({"params": [p for p in own if p.ndim <= 1], "share": share, "weight_decay": 0.0})
        return [group for group in groups if group["params"]]

    def _one_step(self, batch: Batch, generator: torch.Generator, progress: float, budget: Budget) -> None:
        config = self._config
        rate = learning_rate(self._step, progress, peak=config.peak_rate)
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["share"]
        result = self._result(batch, generator, progress)
        norm = descend(result.loss, self._trainee, self._optimiser, step=self._step)
        self._average.update(self._trainee.network, self._step)
        self._step += 1
        if self._step % 20 == 0:
            figures = {k: round(float(v), 4) for k, v in result.figures.items()}
            size = f"{batch.images.shape[0]}x{batch.images.shape[1]}x{batch.images.shape[2]}"
            self._folder.log(
                {"step": self._step, "seconds": round(budget.spent, 1), "progress": round(progress, 4)}
                | {"size": size, "rate": round(rate, 6), "norm": round(float(norm), 2)}
                | figures
            )

    def _result(self, batch: Batch, generator: torch.Generator, progress: float) -> StepResult:
        """What a batch gives: the loss to go down."""
        config = self._config
        with torch.autocast(torch.device(config.device).type, torch.bfloat16, enabled=config.is_bf16):
            if config.only == "candidates":
                return candidates_step(self._trainee.network, batch, generator)
            if config.only == "classes":
                return classes_step(self._trainee.network, batch, generator)
            self._trainee.freeze_encoder(progress < config.frozen_until)
            silent = _SILENT_ROUNDS[int(torch.randint(0, len(_SILENT_ROUNDS), (1,), generator=generator))]
            return train_step(self._trainee, batch, generator, silent_rounds=silent)

    def _save(self, budget: Budget) -> None:
        state = {
            "trainee": self._trainee.state_dict(),
            "average": self._average.state,
            "optimiser": self._optimiser.state_dict(),
            "step": self._step,
            "seconds": budget.spent,
        }
        self._folder.save(state)

    def _resume(self) -> None:
        state = self._folder.state(self._config.device)
        if state is None:
            return
        self._trainee.load_state_dict(state["trainee"])
        self._average.state = state["average"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._step, self._spent = state["step"], state["seconds"]

    def _export(self, budget: Budget) -> None:
        network = build_latent_expert(self._config.network)
        network.load_state_dict(self._average.state)
        provenance: dict[str, Any] = {
            "steps": self._step,
            "seconds": round(budget.spent),
            "seed": self._config.seed,
        }
        provenance["sets"] = sorted(self._cache.sources)
        provenance |= self._provenance
        meta = checkpoint.CheckpointMeta(
            class_names=("background", "foreground"),
            class_colours=("#000000", "#e69f00"),
            provenance=provenance,
        )
        checkpoint.save(self._folder.weights_path, network.half(), meta)
        write_atomically(
            self._config.output / "config.json",
            json.dumps(asdict(self._config), default=str, indent=1).encode(),
        )
