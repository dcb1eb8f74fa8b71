"""Many clicks at once, each on an object of its own."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.errors import ModelError
from model.networks.encoding import Encoding, PromptTensors
from model.networks.protocols import Clickable, SizedEncoding
from model.prediction.device import full_precision
from model.prediction.runner import Runner


@torch.inference_mode()
def segment_each(
    runner: Runner,
    encoding: SizedEncoding,
    xy: NDArray[np.float32],
    boxes: NDArray[np.float32] | None = None,
) -> tuple[Tensor, NDArray[np.float32]]:
    """An object for every click by itself, as one batch.

    Args:
        runner: what answers clicks.
        encoding: from `Runner.encode`, of one picture.
        xy: clicks in pixels of the encoded picture, float32 [N, 2].
        boxes: one round each object as x0, y0, x1, y1, float32 [N, 4]; None for none.

    Returns:
        Logits float32 [N, H, W] and predicted IoU [N].

    Raises:
        ModelError: the network does not answer clicks, or not in batches.
    """
    if not isinstance(runner.network, Clickable) or not isinstance(encoding, Encoding):
        raise ModelError(
            "This network does not answer clicks, so it cannot look for objects.",
            action="Use the default network, or predict classes.",
        )
    count, device = len(xy), runner.choice.device
    prompts = PromptTensors(
        points=torch.from_numpy(np.array(xy, np.float32)).to(device)[:, None],  # [N, 1, 2]
        labels=torch.ones(count, 1, dtype=torch.int64, device=device),
        boxes=None if boxes is None else torch.from_numpy(np.array(boxes, np.float32)).to(device),
    )
    repeated = encoding.to(device).apply(lambda x: x.expand(count, *x.shape[1:]))
    with full_precision(device, runner.choice.dtype):
        output = runner.network.segment(repeated, prompts)
    return output.logits[:, 0].float(), np.asarray(output.score.float().cpu().numpy(), np.float32)
