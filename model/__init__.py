"""The latent-expert model: segmentation by experts that can be looked into. torch and numpy only.

>>> from model import Predictor
>>> predictor = Predictor.default(device="auto")
>>> predictor.set_image(rgb)
>>> mask, score, logits = predictor.predict(point_coords=[[120, 80]], point_labels=[1])
>>> prediction = predictor.predict_classes(experts_off=[7])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from model.errors import ModelError
    from model.networks.config import NetworkConfig
    from model.networks.experts import AttentionMaps
    from model.networks.latent_experts import SegmentationModel
    from model.networks.network import LatentExpertNetwork
    from model.prediction.crf import Crf
    from model.prediction.outputs import Attention, ClassPrediction
    from model.prediction.predictor import Predictor
    from model.prediction.testtime import PredictOptions
    from model.training.click_tuning import ClickTuneConfig, finetune_clicks
    from model.training.finetune import FineTuneConfig, LabelledImage, finetune
    from model.weights.checkpoint import CheckpointMeta, load, save

_HOMES: Final = {
    "Attention": "model.prediction.outputs",
    "AttentionMaps": "model.networks.experts",
    "CheckpointMeta": "model.weights.checkpoint",
    "ClassPrediction": "model.prediction.outputs",
    "ClickTuneConfig": "model.training.click_tuning",
    "Crf": "model.prediction.crf",
    "FineTuneConfig": "model.training.finetune",
    "LabelledImage": "model.training.finetune",
    "LatentExpertNetwork": "model.networks.network",
    "ModelError": "model.errors",
    "NetworkConfig": "model.networks.config",
    "PredictOptions": "model.prediction.testtime",
    "Predictor": "model.prediction.predictor",
    "SegmentationModel": "model.networks.latent_experts",
    "finetune": "model.training.finetune",
    "finetune_clicks": "model.training.click_tuning",
    "load": "model.weights.checkpoint",
    "save": "model.weights.checkpoint",
}
"""Where each public name is defined: it is imported when it is first asked for, and torch with it."""

__all__ = [
    "Attention",
    "AttentionMaps",
    "CheckpointMeta",
    "ClassPrediction",
    "ClickTuneConfig",
    "Crf",
    "FineTuneConfig",
    "LabelledImage",
    "LatentExpertNetwork",
    "ModelError",
    "NetworkConfig",
    "PredictOptions",
    "Predictor",
    "SegmentationModel",
    "finetune",
    "finetune_clicks",
    "load",
    "save",
]


def __getattr__(name: str) -> Any:
    """A public name, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
