"""The refit after each correction: only the pixel path learns, everything else is kept from run to run.

What the other parts of the network say of a picture does not change then, so a refit costs neither
an encoding nor a pass of the context path, and its prediction hardly more than one layer.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.analysis.metrics import confusion_matrix
from model.networks.backbone import upsample_to
from model.networks.detail_head import PixelPath
from model.networks.detail_network import besides_head, known_of
from model.prediction.class_maps import as_depth, empty_prediction
from model.prediction.contrast import redraw
from model.prediction.object_size import scale_for
from model.prediction.outputs import ClassPrediction
from model.training.feature_cache import FeatureStore, fingerprint_without
from model.training.measure import totalled
from model.training.pixels import at_pixels, fit_pixels, some_of_each
from model.training.session import TrainingSession
from model.training.views import View, as_pixels

MAX_PIXELS: Final = 24_000
MAX_HELD: Final = 12_000
BAND: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class CachedLogits:
    """What does not change of a picture while only the pixel path learns.

    Attributes:
        maps: standardised levels, coarse to fine, [1, D, h, w].
        others: logits of all other paths, [1, R, H, W]: classes, then depth where objects are told apart.
    """

    maps: tuple[Tensor, ...]
    others: Tensor

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self.others.nbytes + sum(level.nbytes for level in self.maps)


@dataclass(frozen=True, slots=True, eq=False)
class _Pixels:
    """Pixels picked out.

    Attributes:
        features: [N, dims].
        others: logits of other paths [N, R].
        labels: int64 [N].
        targets: of depth, [N, 2], or [N, 0] where it is not learned.
    """

    features: Tensor
    others: Tensor
    labels: Tensor
    targets: Tensor


class LiveRefit:
    """Teaches the pixel path of a session's network on its pictures.

    Args:
        session: whose pictures are encoded.
        store: where what does not change is kept for the next refit.
    """

    def __init__(self, session: TrainingSession, store: FeatureStore | None) -> None:
        self._session = session
        mark = fingerprint_without(session.network, session.network.head.pixel) if store is not None else 0
        self._cached = [
            self._cache(index, view, store, mark)
            for index, view in enumerate(session.views[: session.encoded])
        ]
        each = max(1, len(self._cached))
        views = session.views[: len(self._cached)]
        pairs = list(zip(self._cached, views, strict=True))
        self._train = _joined([self._pick(s, v, v.train, MAX_PIXELS // each) for s, v in pairs])
        self._held = _joined([self._pick(s, v, v.held, MAX_HELD // each) for s, v in pairs])

    def learn(self, end: float) -> Iterator[str]:
        """Teach until the share ``end`` of the time."""
        train = self._train
        targets = train.targets if train.targets.shape[1] else None
        yield from fit_pixels(self._session, train.features, train.others, train.labels, end, targets=targets)

    @torch.no_grad()
    def confusion(self) -> NDArray[np.int64]:
        """Pixel counts [C, C] (see `model.analysis.metrics.confusion_matrix`) on (some of) the held-out pixels."""
        held = self._held
        size = self._session.config.num_classes
        guess = (self._session.network.head.pixel(held.features) + held.others)[:, :size].argmax(1)
        truth, found = (part.cpu().numpy().astype(np.uint8) for part in (held.labels, guess))
        return totalled(self._session, confusion_matrix(truth, found, size))

    @torch.no_grad()
    def predict(self, name: str) -> ClassPrediction | None:
        """Classes of the sample called ``name``.

        None where it is not whole among the pictures, or has objects so large that it is seen at another size.
        """
        pictures = self._session.pictures
        found = [i for i, each in enumerate(pictures) if each.is_whole and each.name == f"{name}/0/0"]
        if len(found) != 1 or self._scale(pictures[found[0]].image) != 1.0:
            return None
        cached, (rows, cols) = self._cached[found[0]], pictures[found[0]].train.shape
        pixel, dtype = self._session.network.head.pixel, self._session.dtype
        size = self._session.config.num_classes
        answer = empty_prediction((rows, cols), has_depth=self._session.network.separates)
        for band, logits in bands_of_logits(pixel, cached.maps, dtype):
            here = (
                logits[:, : rows - band.start, :cols]
                + cached.others[0, :, band, :cols][:, : rows - band.start]
            )
            sure, best = _decided(here[:size])
            part = slice(band.start, min(band.stop, rows))
            answer.labels[part], answer.confidence[part] = best.cpu(), sure.cpu()
            if answer.depth is not None:
                answer.depth[part] = as_depth(here[size])
        config = self._session.network.detail_config
        pixels = as_pixels(pictures[found[0]].image)
        redraw(answer, pixels, strength=config.own_colours / 100, side=config.object_side)
        return answer

    def _scale(self, image: Tensor) -> float:
        """At which size a picture [3, H, W] in 0..1 is predicted (`model.prediction.object_size`)."""
        network, device = self._session.network, self._session.choice.device
        side = network.detail_config.object_side
        if not side:
            return 1.0

        def maps(pixels: NDArray[np.uint8]) -> Tensor:
            seen = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device).float() / 255  # [1, 3, h, w]
            with self._session.autocast():
                answer = network.classify(network.encode_for_classes(seen))
            depth = answer.logits.new_zeros(0) if answer.depth is None else answer.depth[0]
            return torch.cat((answer.logits[0], depth)).float()

        return scale_for(side, as_pixels(image), maps)

    @torch.no_grad()
    def _cache(self, index: int, view: View, store: FeatureStore | None, mark: int) -> CachedLogits:
        session, picture = self._session, self._session.pictures[index]
        known = store.get(picture, mark) if store is not None else None
        if isinstance(known, CachedLogits):
            return known
        network = session.network
        with session.autocast():
            levels = session.with_answers(view.features.levels, view.features.experts)
            maps = network.head.standardise(levels)
            others = besides_head(network, levels).float()
            others = F.pad(others, (0, 0, 0, 0, 0, int(network.separates)))  # [1, R, H, W]
            if any(bool(parameter.any()) for parameter in network.head.context.last.parameters()):
                others = others + network.head.from_context(maps, levels).float()
            known = known_of(network, levels)
            others = others if known is None else others + known
        cached = CachedLogits(tuple(level.to(session.dtype) for level in maps), others)
        if store is not None:
            store.put(picture, mark, cached)
        return cached

    @torch.no_grad()
    def _pick(self, cached: CachedLogits, view: View, labels: Tensor, limit: int) -> _Pixels:
        """At most about ``limit`` labelled pixels, every class with the same number where it has as many."""
        places = some_of_each(labels, limit, self._session.generator)
        rows, cols = (part.to(cached.others.device) for part in places.unbind(1))
        features = at_pixels(cached.maps, rows, cols)
        chosen = labels[rows.cpu(), cols.cpu()].long().to(cached.others.device)
        targets = view.train.new_zeros((0, *view.size)) if view.targets is None else view.targets
        targets = targets[:, rows.cpu(), cols.cpu()].T.float().to(cached.others.device)
        return _Pixels(features, cached.others[0, :, rows, cols].T, chosen, targets)


def bands_of_logits(
    pixel: PixelPath, maps: Sequence[Tensor], dtype: torch.dtype
) -> Iterator[tuple[slice, Tensor]]:
    """`PixelPath.on_maps` a few rows at a time, so that what is in between stays in the processor's cache.

    Args:
        pixel: the path.
        maps: standardised levels [1, D, h, w], coarse to fine; each of half the stride of the one before.
        dtype: number format to compute in.

    Yields:
        Rows, and logits float32 [R, rows, W], as of `PixelPath`.
    """
    weights = [part.to(dtype) for part in torch.split(pixel.first.weight, pixel.dims, dim=1)]
    total = F.conv2d(maps[0].to(dtype), weights[0][..., None, None], pixel.first.bias.to(dtype))
    for level, weight in zip(maps[1:-1], weights[1:-1], strict=True):
        total = upsample_to(total, level) + F.conv2d(level.to(dtype), weight[..., None, None])
    fine, height = maps[-1].to(dtype), maps[-1].shape[-2]
    ratio = height // total.shape[-2]
    second = copy.deepcopy(pixel.second).to(dtype)
    weight, bias = (part.to(dtype) for part in pixel.readout)
    for start in range(0, height, BAND):
        rows = slice(start, min(start + BAND, height))
        first, end = max(rows.start // ratio - 1, 0), -(-rows.stop // ratio) + 1
        part = F.interpolate(total[..., first:end, :], scale_factor=ratio, mode="bilinear")
        part = part[..., rows.start - first * ratio :, :][..., : rows.stop - rows.start, :]
        hidden = _flat(fine[..., rows, :]) @ weights[-1].T
        hidden = F.relu_(hidden.add_(_flat(part)))
        logits = F.linear(F.relu_(second(hidden)), weight, bias).float()
        yield rows, logits.T.view(len(logits.T), rows.stop - rows.start, -1)  # [C, rows, w]


def _flat(level: Tensor) -> Tensor:
    """[1, D, h, w] -> [h * w, D]."""
    return level[0].permute(1, 2, 0).flatten(0, 1)  # [h * w, D]


def _joined(parts: list[_Pixels]) -> _Pixels:
    return _Pixels(
        torch.cat([part.features for part in parts]),
        torch.cat([part.others for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.targets for part in parts]),
    )


def _decided(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Confidence and class of every pixel of [C, H, W]."""
    if len(logits) == 2:  # the common case, several times faster
        margin = logits[1] - logits[0]
        return margin.abs().sigmoid(), (margin > 0).to(torch.uint8)
    confidence, best = logits.softmax(0).max(0)
    return confidence, best.to(torch.uint8)
