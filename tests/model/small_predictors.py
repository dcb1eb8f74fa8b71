"""A small network behind the doors of a predictor."""

from dataclasses import replace

import numpy as np
import torch

from model.networks.config import NetworkConfig
from model.networks.network import build_latent_expert
from model.prediction.predictor import Predictor

SMALL = NetworkConfig(
    num_classes=3,
    num_experts=5,
    feature_dim=32,
    widths=(16, 32, 32, 32, 32),
    depths=(1, 1, 1, 1),
    path_widths=(32, 32),
    click_widths=(16, 16, 32, 32, 32),
    embed_dim=8,
)

DECIDING = replace(
    NetworkConfig.pretrained(num_classes=3),
    num_experts=5,
    num_heads=2,
    feature_dim=16,
    path_widths=(16, 24),
    click_widths=(8, 16, 16, 16, 16),
    evidence_dim=12,
)
"""Of a network whose experts classify what they are chosen for."""


def small_network(seed=0):
    torch.manual_seed(seed)
    return build_latent_expert(SMALL).eval()


def predictor_of(network, **options):
    return Predictor(network, "cpu", dtype=torch.float32, **options)


def picture(rows=48, cols=72, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, cols, 3), dtype=np.uint8)
