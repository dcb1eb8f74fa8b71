"""Few-shot learner over `model.training.finetune`, for an evaluation that calls fit and predict.

A learner has ``fit(images, masks, n_classes, clock)`` (uint8 [H, W, 3], int [H, W], 255 ignored;
``clock.left()`` in seconds) and ``predict(image) -> int [H, W]``.
"""

from __future__ import annotations

import numpy as np
import torch

from model.errors import WeightsError
from model.networks.network import build_latent_expert
from model.prediction.predictor import Predictor
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.optimisers import warm_up
from model.weights.checkpoint import default_weights_path, load

warm_up()  # importing what optimisers need takes a second that no picture should pay for


class Latent:
    """The default network, fine-tuned.

    Args:
        weights: a safetensors file; "" for the shipped weights, "random" for none.
        settings: fields of `FineTuneConfig`.
    """

    def __init__(self, weights: str = "", **settings) -> None:
        self.settings = settings
        if weights == "random":
            torch.manual_seed(0)
            self.network = build_latent_expert()
        else:
            self.network, _ = load(weights or _default())
        self.note = ""

    def fit(self, images, masks, n_classes, clock) -> None:
        samples = [
            LabelledImage(image, np.where(mask < n_classes, mask, 255).astype(np.uint8))
            for image, mask in zip(images, masks, strict=True)
        ]
        config = FineTuneConfig(
            **{
                "num_classes": n_classes,
                "seconds": clock.left(),
                "classes_kept": (None,) * n_classes,
                "held_out": 0.0,
            }
            | self.settings
        )
        job = finetune(self.network, samples, config)
        job.clock = _Borrowed(clock)
        for progress in job:
            last = progress
        self.note = f"{last.step} steps, held out {job.metric_after:.3f}"
        self.predictor = Predictor(job.network)

    def predict(self, image):
        self.predictor.set_image(image)
        return self.predictor.predict_classes().labels.astype(np.int64)


class _Borrowed:
    """The evaluation's clock (which may count CPU seconds) in the shape that fine-tuning wants."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self.seconds = clock.left()
        self._origin = clock.left()

    @property
    def spent(self) -> float:
        return self._origin - self._clock.left()

    @property
    def fraction(self) -> float:
        return min(1.0, self.spent / self.seconds)

    def hold(self) -> None:
        """The evaluation's clock cannot be held."""

    def resume(self) -> None:
        """Nor resumed."""


def _default():
    try:
        return default_weights_path()
    except WeightsError as error:
        raise SystemExit(f"{error}: give weights") from error
