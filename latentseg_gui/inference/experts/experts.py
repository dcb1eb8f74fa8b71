"""Questions about experts: their maps, what depends on them, what they explain over many images."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.experts.experts import (
    AlteredPrediction,
    ExpertChange,
    ExpertPatches,
    ExpertShares,
    Gains,
    MixCounted,
    RegionAttention,
    altered,
)
from latentseg_gui.document.experts.maps import ExpertMaps, PromptAttention
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import PromptSet
from latentseg_gui.document.training.mix_worth import MixWorth
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.cache import ByteCache
from latentseg_gui.inference.experts.attention import bounded, class_attention, prompt_attention
from latentseg_gui.inference.experts.messages import CountEvenMix, FindPatches
from latentseg_gui.inference.experts.patches import patches_of
from latentseg_gui.inference.messages import (
    AlterExperts,
    ComputeAttention,
    ComputePromptAttention,
    ComputeRegionAttention,
    MeasureChange,
    MeasureShares,
)
from model.analysis import inspection
from model.prediction.even_mix import EvenMix
from model.prediction.outputs import Attention, ClassPrediction
from model.prediction.predictor import Predictor
from model.weights.figures import default_even_mix


def mix_worth_of_shipped() -> MixWorth | None:
    """Of the weights that come with the program, on held-out pictures; None where the figure is of others."""
    figure = default_even_mix()
    if figure is None:
        return None
    return MixWorth(figure.learned, figure.even, figure.pictures, is_own=False)


MAX_WHOLE_BYTES: Final = 64 << 20
MAX_PART_BYTES: Final = 96 << 20
MAX_GLANCE_BYTES: Final = 32 << 20

Labels = NDArray[np.uint8]
Before = Callable[[str, str, PromptSet], NDArray[np.float32] | None]


class Live(Protocol):
    """Weights that are in use."""

    @property
    def predictor(self) -> Predictor:
        """Set to the image that is asked about."""

    @property
    def info(self) -> WeightsInfo:
        """What they are called."""


class Experts:
    """Answers what is asked about experts, and remembers what is likely to be asked again.

    Args:
        show: sets the live predictor to an image.
        live: the live weights.
        before: by image, version and prompts, what the answer to the last click went on from.
        clicking: who answers clicks, set to an image; None for the live predictor.
    """

    def __init__(
        self,
        show: Callable[[str], Live],
        live: Callable[[], Live],
        before: Before = lambda *_: None,
        clicking: Callable[[str], Predictor] | None = None,
    ) -> None:
        self._before_click = before
        self._clicking = clicking or (lambda image_id: show(image_id).predictor)
        self._show = show
        self._live = live
        self._wholes: ByteCache[tuple[str, str], Attention] = ByteCache(MAX_WHOLE_BYTES)
        self._parts: ByteCache[tuple[str, str, Rect], RegionAttention] = ByteCache(MAX_PART_BYTES)
        self._glances: ByteCache[tuple[str, str], tuple[Labels, Labels]] = ByteCache(MAX_GLANCE_BYTES)
        self.handlers: dict[type, Callable[[Any], object]] = {
            ComputeAttention: self.compute_attention,
            ComputePromptAttention: self.compute_prompt_attention,
            AlterExperts: self.alter,
            ComputeRegionAttention: self.region_attention,
            MeasureChange: self.measure_change,
            MeasureShares: self.measure_shares,
            FindPatches: self.find_patches,
            CountEvenMix: self.count_even_mix,
        }

    @property
    def nbytes(self) -> int:
        """Memory of what is remembered."""
        return self._wholes.nbytes + self._parts.nbytes + self._glances.nbytes

    def forget_image(self, image_id: str) -> None:
        """Drop what is remembered of an image."""
        self._wholes.drop_where(lambda key: key[0] == image_id)
        self._parts.drop_where(lambda key: key[0] == image_id)
        self._glances.drop_where(lambda key: key[0] == image_id)

    def forget_all(self) -> None:
        """Drop everything: other weights are live, or the same name means others."""
        self._wholes.drop_where(lambda _: True)
        self._parts.drop_where(lambda _: True)
        self._glances.drop_where(lambda _: True)

    def compute_attention(self, request: ComputeAttention) -> ExpertMaps:
        """Where experts look and what they explain, for classes."""
        live = self._show(request.image_id)
        maps = self._whole(live, request.image_id)
        return class_attention(live.predictor, request.image_id, live.info.version, maps)

    def compute_prompt_attention(self, request: ComputePromptAttention) -> PromptAttention:
        """What clicks and box attend to, and how much each pixel owes to them."""
        version = self._live().info.version
        before = self._before_click(request.image_id, version, request.prompts)
        return prompt_attention(
            self._clicking(request.image_id), request.image_id, version, request.prompts, before
        )

    def region_attention(self, request: ComputeRegionAttention) -> RegionAttention:
        """The maps of a part, with more tokens; it encodes the part, once while it is remembered."""
        live = self._show(request.image_id)
        key = request.image_id, live.info.version, request.rect
        known = self._parts.get(key)
        if known is not None:
            return known
        rect, whole = request.rect, self._whole(live, request.image_id)
        maps = bounded(live.predictor.attention((rect.row0, rect.col0, rect.row1, rect.col1), whole))
        part = RegionAttention(request.image_id, live.info.version, rect, maps.look, maps.mix, maps.stride)
        self._parts.put(key, part, part.look.nbytes + part.mix.nbytes)
        return part

    def alter(self, request: AlterExperts) -> AlteredPrediction:
        """The prediction with experts changed, and what is different in it; nothing is encoded."""
        started, live = time.monotonic(), self._show(request.image_id)
        predictor, gains = live.predictor, altered(request.expert_gains)
        answer = predictor.predict_classes(expert_gains=gains)
        after = labels, confidence = _codes(answer)
        if predictor.encoding.is_reduced and gains:
            after = _glance(predictor, gains)
        change = self._change(live, request.image_id, after)
        version, seconds = live.info.version, time.monotonic() - started
        prediction = Prediction(
            request.image_id,
            version,
            labels,
            confidence,
            bool(gains),
            seconds,
            depth=answer.depth,
            temperature=answer.temperature,
        )
        return AlteredPrediction(prediction, change)

    def measure_change(self, request: MeasureChange) -> ExpertChange:
        """What is different with experts changed; nothing is encoded."""
        live = self._show(request.image_id)
        return self._change(live, request.image_id, _glance(live.predictor, altered(request.expert_gains)))

    def _change(self, live: Live, image_id: str, after: tuple[Labels, Labels]) -> ExpertChange:
        """From the prediction with all experts as trained to labels and confidence with changed ones."""
        before, classes = self._before(live, image_id), live.predictor.num_classes
        labels, confidence = after
        pairs = before[0].ravel().astype(np.intp) * classes + labels.ravel()
        moved = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        shift = (confidence.mean(dtype=np.float64) - before[1].mean(dtype=np.float64)) / 255
        return ExpertChange(
            image_id,
            live.info.version,
            moved.astype(np.int64),
            float(shift),
            (labels.shape[0], labels.shape[1]),
        )

    def measure_shares(self, request: MeasureShares) -> ExpertShares:
        """Experts against classes on an image that nobody may have looked at; it is not kept."""
        live = self._live()
        live.predictor.set_image(request.pixels)
        maps = bounded(live.predictor.attention())
        mix = inspection.reduce_heads(maps.mix)
        labels = live.predictor.predict_overview().argmax(0)
        encoding = live.predictor.encoding
        stride = maps.stride * encoding.size[0] / encoding.shape[0]
        at_tokens = inspection.labels_at_tokens(labels.astype(np.uint8), mix.shape[1:], stride)
        shares = inspection.class_affinity(mix, at_tokens, live.predictor.num_classes)
        shares = shares * inspection.mass(mix)[:, None]
        patches = patches_of(mix, request.pixels, request.image_id, live.info.version)
        return ExpertShares(request.image_id, live.info.version, shares.astype(np.float32), patches)

    def find_patches(self, request: FindPatches) -> ExpertPatches:
        """Squares of an image that each expert has most to do with."""
        live = self._show(request.image_id)
        mix = inspection.reduce_heads(self._whole(live, request.image_id).mix)
        pixels = live.predictor.encoding.pixels
        return patches_of(mix, pixels, request.image_id, live.info.version)

    def count_even_mix(self, request: CountEvenMix) -> MixCounted:
        """The learned mix beside an even one on labelled pixels; the image is not kept."""
        live = self._live()
        live.predictor.set_image(request.pixels, for_clicks=False)
        counts = EvenMix(live.predictor).count(request.labels, request.num_labels)
        return MixCounted(request.image_id, live.info.version, counts.learned, counts.even)

    def _whole(self, live: Live, image_id: str) -> Attention:
        key = image_id, live.info.version
        maps = self._wholes.get(key)
        if maps is None:
            maps = bounded(live.predictor.attention())
            self._wholes.put(key, maps, maps.look.nbytes + maps.mix.nbytes)
        return maps

    def _before(self, live: Live, image_id: str) -> tuple[Labels, Labels]:
        """Labels and confidence with all experts as trained, as `_glance` gives them."""
        key = image_id, live.info.version
        known = self._glances.get(key)
        if known is None:
            known = _glance(live.predictor, {})
            self._glances.put(key, known, known[0].nbytes + known[1].nbytes)
        return known


def _glance(predictor: Predictor, gains: Gains) -> tuple[Labels, Labels]:
    """Labels and confidence, 0..255, of the present image at the size at which it is encoded.

    A large image is predicted in tiles as long as all experts are as trained, and at its reduced size with
    experts changed: only what was made the same way can be compared.
    """
    if not predictor.encoding.is_reduced:
        return _codes(predictor.predict_classes(expert_gains=gains))
    probabilities = predictor.predict_overview(expert_gains=gains)
    confidence = probabilities.max(0)
    return probabilities.argmax(0).astype(np.uint8), np.rint(confidence * 255).astype(np.uint8)


def _codes(answer: ClassPrediction) -> tuple[Labels, Labels]:
    return answer.labels, np.rint(answer.confidence * 255).astype(np.uint8)
