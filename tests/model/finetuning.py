"""Short runs of fine-tuning on pictures that a tiny network can learn."""

from __future__ import annotations

import torch

from model.analysis.metrics import confusion_matrix, mean_iou
from model.prediction.predictor import Predictor
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from tests.tiny import disks

QUICK = FineTuneConfig(num_classes=2, seconds=3.0, device="cpu", classes_kept=(None, None))


class StepClock:
    """Time that goes on by a fixed amount whenever a step was done, so that load does not matter."""

    def __init__(self, steps: int) -> None:
        self.seconds = float(steps)
        self.ticks = 0
        self.is_held = False

    @property
    def spent(self) -> float:
        return self.ticks

    @property
    def fraction(self) -> float:
        return min(1.0, self.spent / self.seconds)

    def hold(self) -> None:
        self.is_held = True

    def resume(self) -> None:
        self.is_held = False


def run(network, samples, config=QUICK, steps=60):
    """The job after its end, with its reports; it lasts ``steps`` items whatever the machine."""
    job = finetune(network, samples, config)
    job.clock = clock = StepClock(steps)
    reports = []
    for progress in job:
        reports.append(progress)
        clock.ticks += 1
    return job, reports


def labelled(seed, **kwargs):
    return LabelledImage(*disks(seed, **kwargs))


def accuracy(network, seed=9):
    """Mean IoU on a picture that was not trained on."""
    image, truth = disks(seed)
    predictor = Predictor(network, "cpu", dtype=torch.float32)
    predictor.set_image(image)
    guess = predictor.predict_classes().labels
    return mean_iou(confusion_matrix(truth, guess, 2))


def state_of(network):
    return {name: value.clone() for name, value in network.state_dict().items()}
