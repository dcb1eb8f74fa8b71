"""Teaching finished weights what objects are, with pictures that are made up; everything else stays as it is.

What sees a picture is frozen, so each is seen once and cropped many times: a pool of pictures is kept, and the oldest
gives way to a new one. What learns has a say in objects once fine-tuning is shown numbered ones
(`model.networks.known_objects`). By a number of steps a run is the same every time, also one that was stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from model.networks.detail_head import DetailHead, Levels
from model.networks.detail_network import DetailNetwork
from model.networks.known_objects import KnownObjects
from model.networks.network import build_latent_expert
from model.networks.randomness import own_randomness, seed_for
from model.prediction.inputs import brightened
from model.pretraining.loop import PretrainConfig
from model.pretraining.rendered import SIDE, rendered
from model.pretraining.run_folder import RunFolder
from model.pretraining.schedule import AverageWeights, Budget, descend, learning_rate
from model.pretraining.start import begin_from
from model.training.objective import Objective
from model.training.separation import depth_loss, depth_of
from model.training.views import LabelledWindow, features_of
from model.weights import checkpoint

POOL: Final = 160
"""Pictures that crops are cut from; means and deviations of levels are those of the first ones."""

STEPS_PER_PICTURE: Final = 2
CROP: Final = 128
ALIGN: Final = 16
BATCH: Final = 6
OMISSION: Final = 0.5
"""Factor on how often a level is left out (`DetailHead.omission`)."""

CLASS_WEIGHTS: Final = (0.8, 1.2)
"""Of background and objects."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A picture as the frozen parts see it.

    Attributes:
        maps: of levels, with the experts' answers, [1, D, H / s, W / s].
        decided: as of `Levels`, or None.
        labels: 1 where there are objects, int64 [H, W].
        depth: of pixels in their objects, float32 [H, W].
    """

    maps: tuple[Tensor, ...]
    decided: Tensor | None
    labels: Tensor
    depth: Tensor


class ObjectPretraining:
    """A run that can be stopped and taken up again.

    Args:
        config: of the run; its network knows objects.
        on_log: receives one line of figures (a dict) now and then.

    Raises:
        ModelError: weights to start from were refused, or an earlier run was of other sizes.
    """

    def __init__(
        self, config: PretrainConfig, on_log: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        self._config = config
        self._folder = RunFolder(config.output, config.network, config.only, on_log)
        config.output.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        network = build_latent_expert(config.network)
        if network.known_objects is None or config.start is None:
            raise ValueError("only finished weights with a place for it are taught what objects are")
        self._start = checkpoint.read_meta(config.start)
        self._provenance = begin_from(network, start=config.start)
        self._network, self._known = network, network.known_objects
        self._seer = DetailNetwork.of(network, (None, None)).eval().requires_grad_(False).to(config.device)
        self._seer.probe = self._seer.votes = None
        self._known.to(config.device)
        self._head = _head_of(self._known, self._seer)
        self._usual = torch.ones(())
        self._objective = Objective("cross-entropy+dice", torch.tensor(CLASS_WEIGHTS, device=config.device))
        self._optimiser = torch.optim.AdamW(self._groups(), lr=config.peak_rate, betas=(0.9, 0.99))
        self._step, self._spent = 0, 0.0
        self._average = AverageWeights(self._known)
        self._resume()
        first = self._step // STEPS_PER_PICTURE
        self._pool = {index: self._seen(index) for index in range(first, first + POOL)}
        if self._step == 0:
            self._standardise()

    def run(self) -> Path:
        """Teach until the budget is used; return the path of the weights with what was learned."""
        config = self._config
        budget = Budget(steps=config.steps, seconds=config.seconds, spent=self._spent)
        last_saved = budget.spent
        while (progress := budget.progress(self._step)) < 1.0:
            self._one_step(progress, budget)
            if budget.spent - last_saved > config.save_every:
                last_saved = budget.spent
                self._save(budget)
        self._save(budget)
        self._export(budget)
        return self._folder.weights_path

    def _groups(self) -> list[dict[str, Any]]:
        """Weight decay on kernels only."""
        learned = list(chain(self._known.context.parameters(), self._known.separation.parameters()))
        return [
            {"params": [p for p in learned if p.ndim > 1], "weight_decay": self._config.weight_decay},
            {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
        ]

    @torch.no_grad()
    def _seen(self, index: int) -> _Seen:
        """A picture of the run."""
        config = self._config
        made = rendered(np.random.default_rng((config.seed, index)))
        image = torch.from_numpy(brightened(made.image)).permute(2, 0, 1).float() / 255  # [3, H, W]
        labels = torch.from_numpy(made.objects > 0)
        window = LabelledWindow(image, labels.to(torch.uint8), labels.to(torch.uint8))
        device, dtype = torch.device(config.device), torch.bfloat16 if config.is_bf16 else torch.float32
        features = features_of(self._seer, window, device, dtype)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.is_bf16):
            levels, _ = self._seer.answered(features.levels, features.experts)
        return _Seen(levels.maps, levels.decided, labels.long(), torch.from_numpy(depth_of(made.objects)))

    @torch.no_grad()
    def _standardise(self) -> None:
        """Take means and deviations from the pool, and how far places choose among experts in it."""
        seen = list(self._pool.values())
        means, squares = (
            torch.stack([torch.cat([of(level.float()) for level in each.maps]) for each in seen]).mean(0)
            for of in (_mean, _mean_square)
        )
        self._known.means.copy_(means)
        self._known.scales.copy_(1 / ((squares - means.square()).clamp(min=0).sqrt() + 1e-3))
        chosen = [each.decided.float().mean() for each in seen if each.decided is not None]
        if chosen:
            self._usual = torch.stack(chosen).mean().clamp(min=1e-3).cpu()

    def _batch(self) -> tuple[Levels, Tensor, Tensor]:
        """Crops: levels, labels int64 [B, side, side], depth float32 [B, side, side]."""
        generator = torch.Generator().manual_seed(seed_for(f"crops {self._step}", self._config.seed))
        first = self._step // STEPS_PER_PICTURE
        crops = []
        for _ in range(BATCH):
            picked, top, left = (
                int(torch.randint(limit, (), generator=generator))
                for limit in (POOL, *[(SIDE - CROP) // ALIGN + 1] * 2)
            )
            crops.append(_cropped(self._pool[first + picked], ALIGN * top, ALIGN * left))
        device = self._config.device
        levels = Levels.of(torch.cat(parts) for parts in zip(*(crop.maps for crop in crops), strict=True))
        decided = [crop.decided for crop in crops if crop.decided is not None]
        if decided:
            levels = replace(levels, decided=torch.cat(decided) / self._usual.to(decided[0].device))
        labels, depth = (torch.stack([getattr(c, name) for c in crops]) for name in ("labels", "depth"))
        return levels, labels.to(device), depth.to(device)

    def _one_step(self, progress: float, budget: Budget) -> None:
        config = self._config
        newest = self._step // STEPS_PER_PICTURE + POOL - 1
        if newest not in self._pool:
            self._pool[newest] = self._seen(newest)
            del self._pool[newest - POOL]
        rate = learning_rate(self._step, progress, peak=config.peak_rate)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        shape, depth = self._losses()
        norm = descend(shape + depth, self._known, self._optimiser, step=self._step)
        self._average.update(self._known, self._step)
        self._step += 1
        if self._step % 20 == 0:
            figures = {"shape": shape.item(), "depth": depth.item(), "rate": rate, "norm": norm.item()}
            line = {"step": self._step, "seconds": round(budget.spent, 1), "progress": round(progress, 4)}
            self._folder.log(line | {name: round(value, 6) for name, value in figures.items()})

    def _losses(self) -> tuple[Tensor, Tensor]:
        """Of where objects are, and of depth."""
        config = self._config
        levels, labels, depth = self._batch()
        device = torch.device(config.device)
        self._head.train()
        with (
            own_randomness(seed_for(f"layers {self._step}", config.seed), device),
            torch.autocast(device.type, torch.bfloat16, enabled=config.is_bf16),
        ):
            logit, told = self._head.with_depth(levels)
        if told is None:
            raise ValueError("this head does not tell objects apart")
        classes = torch.cat((-logit / 2, logit / 2), 1)  # [B, 2, H, W]
        known = torch.stack((depth, torch.ones_like(depth)), 1)  # [B, 2, H, W]
        return self._objective(classes, labels), depth_loss(told, known, labels)

    def _save(self, budget: Budget) -> None:
        state = {
            "known": self._known.state_dict(),
            "average": self._average.state,
            "optimiser": self._optimiser.state_dict(),
            "usual": self._usual,
            "step": self._step,
            "seconds": budget.spent,
        }
        self._folder.save(state)

    def _resume(self) -> None:
        state = self._folder.state(self._config.device)
        if state is None:
            return
        self._known.load_state_dict(state["known"])
        self._average.state = state["average"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._usual = state["usual"].cpu()
        self._step, self._spent = state["step"], state["seconds"]

    def _export(self, budget: Budget) -> None:
        """Write the weights; what they say of themselves stays, and this run is noted beside it."""
        self._known.load_state_dict(self._average.state)
        run = {"steps": self._step, "seconds": round(budget.spent), "seed": self._config.seed}
        provenance = {**self._start.provenance, "objects": run | self._provenance}
        meta = replace(self._start, provenance=provenance)
        checkpoint.save(self._folder.weights_path, self._network.half(), meta)


def _head_of(known: KnownObjects, seer: DetailNetwork) -> DetailHead:
    """A detail head of one class whose weights are those of ``known`` themselves, to learn with."""
    detail = seer.detail_config
    head = DetailHead(
        dims=seer.head.dims,
        pixel_width=1,
        context_widths=detail.context_widths,
        num_classes=1,
        separates=True,
    ).to(known.means.device)
    head.context, head.separation = known.context, known.separation
    head.means, head.scales = known.means, known.scales
    head.omission = OMISSION
    return head


def _mean(level: Tensor) -> Tensor:
    return level.mean((0, 2, 3))


def _mean_square(level: Tensor) -> Tensor:
    return level.square().mean((0, 2, 3))


def _cropped(seen: _Seen, top: int, left: int) -> _Seen:
    """A square of `CROP` pixels; ``top`` and ``left`` are multiples of `ALIGN`."""
    maps = tuple(_part(level, top, left) for level in seen.maps)
    decided = None if seen.decided is None else _part(seen.decided, top, left)
    rows, cols = slice(top, top + CROP), slice(left, left + CROP)
    return _Seen(maps, decided, seen.labels[rows, cols], seen.depth[rows, cols])


def _part(level: Tensor, top: int, left: int) -> Tensor:
    stride = SIDE // level.shape[-2]
    rows, cols = (slice(edge // stride, (edge + CROP) // stride) for edge in (top, left))
    return level[..., rows, cols]
