"""The latent-expert model: segmentation by experts that can be looked into. torch and numpy only.

>>> from model import Predictor
>>> predictor = Predictor.default(device="auto")
>>> predictor.set_image(rgb)
>>> mask, score, logits = predictor.predict(point_coords=[[120, 80]], point_labels=[1])
>>> prediction = predictor.predict_classes(experts_off=[7])
"""

from model.answers import Attention, ClassPrediction
from model.checkpoint import CheckpointMeta, load, save
from model.config import NetworkConfig
from model.crf import Crf
from model.errors import ModelError
from model.experts import AttentionMaps
from model.finetune import FineTuneConfig, LabelledImage, finetune
from model.latent_experts import SegmentationModel
from model.network import LatentExpertNetwork
from model.predictor import Predictor
from model.testtime import PredictOptions

__all__ = [
    "Attention",
    "AttentionMaps",
    "CheckpointMeta",
    "ClassPrediction",
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
    "load",
    "save",
]
