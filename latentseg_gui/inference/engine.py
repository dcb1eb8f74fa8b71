"""Predictions, clicks and attention for the window: one set of weights, many encoded images."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.candidates import CandidatesFound
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal
from latentseg_gui.document.training.learning import NetworkChoice
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.cache import ByteCache
from latentseg_gui.inference.experts.attention import notes_in
from latentseg_gui.inference.experts.experts import Experts, mix_worth_of_shipped
from latentseg_gui.inference.experts.network_attention import NetworkAttention
from latentseg_gui.inference.messages import (
    ClickModelInfo,
    EncodeImage,
    FindCandidates,
    ForgetImage,
    ImageEncoded,
    LoadWeights,
    OtherPrediction,
    PredictClasses,
    PredictedPixels,
    PredictionExtras,
    PredictPixels,
    PredictWith,
    SegmentObject,
    UseClickModel,
)
from latentseg_gui.inference.prediction.candidates import Searches
from latentseg_gui.inference.prediction.clicker import Clicker, ForeignClicks
from latentseg_gui.inference.prediction.clicks import Clicks
from latentseg_gui.inference.training.messages import FindUncertainRegions, PreviewCrops
from latentseg_gui.inference.training.training import preview
from latentseg_gui.inference.training.uncertain_regions import find_uncertain_regions
from model.errors import ModelError
from model.networks.protocols import CLICKS, capabilities
from model.prediction.crf import Crf
from model.prediction.kinship import attend_alike, encode_alike
from model.prediction.outputs import ClassPrediction, EncodedImage
from model.prediction.predictor import Predictor
from model.prediction.testtime import PredictOptions
from model.training.calibrating import temperature_of
from model.training.provenance import seen_cells
from model.weights.catalogue import PRETRAINED, all_offers, offer_of, parameters_of
from model.weights.checkpoint import default_weights_path, load

MAX_CACHE_BYTES: Final = 1 << 30
MAX_PIXEL_BYTES: Final = 1 << 30
_MEMORY_SHARE: Final = 0.15


Report = Callable[[object], None]


class UnknownImageError(LatentsegError):
    """A question is about an image that the engine was not shown, or has had to let go since.

    Args:
        image_id: the image; whoever asks can show it and ask again.
    """

    def __init__(self, image_id: str) -> None:
        super().__init__(
            "The model has not seen this image yet.", action="Select it again in the list.", detail=image_id
        )
        self.lacks = image_id


def _unheard(progress: object) -> None:
    """Nobody listens for what is known before the answer."""


@dataclass(frozen=True, slots=True)
class _Weights:
    """What is live."""

    predictor: Predictor
    info: WeightsInfo
    device: str


class Engine:
    """Answers the messages of the window. Lives in a child process.

    A failed request leaves everything as it was: new weights take the place of the live ones only
    when they work.

    Args:
        max_cache_bytes: budget of encoded images; None for a share of this machine's memory.
    """

    def __init__(self, max_cache_bytes: int | None = None) -> None:
        self._weights: _Weights | None = None
        self._attentions = 0
        self._pixels: ByteCache[str, tuple[NDArray[np.uint8], int]] = ByteCache(MAX_PIXEL_BYTES)
        self._encoded: ByteCache[tuple[str, str], EncodedImage] = ByteCache(
            max_cache_bytes or _cache_budget()
        )
        self._clicks = Clicks()
        self._clicker = Clicker(self._encoded, self._pixels_of)
        self._foreign = ForeignClicks(self._pixels_of)
        self._attention = NetworkAttention(self._live, self._pixels_of)
        self._experts = Experts(self._show, self._live, self._clicks.before, self._clicking)
        self._searches = Searches()
        self._handlers: dict[type, Callable[[Any], object]] = {
            LoadWeights: self.load_weights,
            EncodeImage: self.encode,
            PredictClasses: self.predict_classes,
            PredictPixels: self.predict_pixels,
            PredictWith: self.predict_with,
            ForgetImage: self.forget,
            UseClickModel: self.use_click_model,
            PreviewCrops: preview,
            FindCandidates: self._find_candidates,
            FindUncertainRegions: lambda request: find_uncertain_regions(request, self._live()),
            **self._experts.handlers,
            **self._attention.handlers,
        }

    @property
    def encoder_runs(self) -> int:
        """How often the encoder of the live weights ran."""
        return 0 if self._weights is None else self._weights.predictor.encoder_runs

    def handle(self, request: object, report: Report = _unheard) -> object:
        """The answer to a message of `latentseg_gui.inference.messages`.

        Args:
            request: the message.
            report: is told what is known before the answer.
        """
        if isinstance(request, SegmentObject):
            return self.segment(request, report)
        handler = self._handlers.get(type(request))
        if handler is None:
            raise TypeError(f"the engine does not know {type(request).__name__}")
        return handler(request)

    def load_weights(self, request: LoadWeights) -> WeightsInfo:
        """Make weights live; the ones before stay if anything about the new ones is wrong."""
        path = request.path if request.path is not None else default_weights_path()
        network, meta = load(path)
        predictor = Predictor(network, request.device, temperature=temperature_of(meta.provenance))
        _try_out(predictor, path)
        info = WeightsInfo(
            version=request.version,
            path=request.path,
            class_names=meta.class_names or _numbered(predictor.num_classes),
            class_colours=meta.class_colours,
            num_experts=predictor.num_experts,
            num_heads=predictor.num_heads,
            device=predictor.device.name,
            device_reason=predictor.device.reason,
            expert_names=dict(meta.expert_names),
            expert_notes=notes_in(meta.provenance),
            attention=self._attention_of(predictor, request.version),
            network=offer_of(predictor.network).name,
            title=offer_of(predictor.network).title,
            capabilities=capabilities(predictor.network),
            networks=_networks(),
            seen=seen_cells(meta.provenance),
            mix_worth=mix_worth_of_shipped() if request.path is None else None,
            smallest=meta.smallest,
        )
        carried = self._carried(predictor)
        self._weights = _Weights(predictor, info, request.device)
        self._clicks.forget_version(request.version)
        self._experts.forget_all()
        self._attention.forget()
        self._encoded.drop_where(lambda key: True)
        for image_id, encoded in carried.items():
            self._encoded.put((image_id, request.version), encoded, encoded.nbytes)
        return info

    def _attention_of(self, predictor: Predictor, version: str) -> str:
        """What the attention of ``predictor`` is called: as that of the weights so far where it is the same."""
        if self._weights is not None and attend_alike(predictor, self._weights.predictor):
            return self._weights.info.attention
        self._attentions += 1
        return f"{version}/{self._attentions}"

    def _carried(self, predictor: Predictor) -> dict[str, EncodedImage]:
        """Encodings of the weights so far that hold for ``predictor`` too: only how they are read has changed."""
        if self._weights is None or not encode_alike(predictor, self._weights.predictor):
            return {}
        kept = {}
        for image_id, version in self._encoded:
            encoded = self._encoded.get((image_id, version))
            if encoded is not None and version == self._weights.info.version:
                kept[image_id] = predictor.take_over(encoded)
        return kept

    def encode(self, request: EncodeImage) -> ImageEncoded:
        """Keep an image and encode it; an image that is there already costs nothing."""
        started = time.monotonic()
        live, checksum = self._live(), zlib.crc32(request.pixels.tobytes())
        known = self._pixels.get(request.image_id)
        if known is None or known[1] != checksum or known[0].shape != request.pixels.shape:
            self.forget(ForgetImage(request.image_id))
            self._pixels.put(request.image_id, (request.pixels, checksum), request.pixels.nbytes)
        self._show(request.image_id)
        with suppress(ModelError):  # who clicks is told; classes are predicted all the same
            self._foreign.shown(request.image_id)
        return ImageEncoded(request.image_id, live.info.version, time.monotonic() - started)

    def predict_classes(self, request: PredictClasses) -> Prediction:
        """Classes of every pixel."""
        live = self._show(request.image_id)
        return _predicted(live.predictor, live.info.version, request)

    def predict_with(self, request: PredictWith) -> OtherPrediction:
        """Classes of every pixel by weights that are loaded for this and let go again."""
        pixels = self._pixels_of(request.image_id)
        network, meta = load(request.path if request.path is not None else default_weights_path())
        predictor = Predictor(network, request.device, temperature=temperature_of(meta.provenance))
        predictor.set_image(pixels)
        names = meta.class_names or _numbered(predictor.num_classes)
        return OtherPrediction(_predicted(predictor, request.version, request), names)

    def predict_pixels(self, request: PredictPixels) -> PredictedPixels:
        """Classes of an image of a batch; nothing of it is kept, and nothing that is kept has to go."""
        started, live, shape = time.monotonic(), self._live(), request.pixels.shape[:2]
        live.predictor.set_image(request.pixels)
        answer = ClassPrediction(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
        probabilities, options = None, _options(request.extras)
        if request.needs_probabilities:
            probabilities = np.zeros((live.predictor.num_classes, *shape), np.uint16)
            live.predictor.predict_probabilities(options=options, out=probabilities)
            answer.labels[:] = probabilities.argmax(0)
            answer.confidence[:] = probabilities.max(0) >> 8
        if not request.needs_probabilities or getattr(live.predictor.network, "separates", False):
            answer = live.predictor.predict_classes(options=options, out=answer)
        prediction = Prediction(
            image_id=request.image_id,
            version=live.info.version,
            labels=answer.labels,
            confidence=answer.confidence,
            seconds=time.monotonic() - started,
            instances=answer.instances,
            depth=answer.depth,
            temperature=answer.temperature,
        )
        return PredictedPixels(prediction, probabilities)

    def segment(self, request: SegmentObject, report: Report = _unheard) -> MaskProposal:
        """The object that the prompts point at; where that takes longer, a rough one is reported first."""
        predictor = self._foreign.shown(request.image_id) or self._clicking(request.image_id)
        for answer in self._clicks.answers(predictor, self._live().info.version, request):
            others = tuple(replace(each, made_by=self._foreign.title) for each in answer.candidates)
            proposal = replace(answer, made_by=self._foreign.title, candidates=others)
            if proposal.is_refining and not request.is_preview:
                report(proposal)
        return proposal

    def use_click_model(self, request: UseClickModel) -> ClickModelInfo:
        """Let a click model of others answer clicks, or the model itself again."""
        info = self._foreign.use(request)
        self._clicks.forget_all()
        return info

    def _clicking(self, image_id: str) -> Predictor:
        """Who of ours answers clicks, set to an image."""
        if self._foreign.title:
            raise LatentsegError(
                f"Clicks are answered by {self._foreign.title}, which does not show what it attends to.",
                action="Go back to the model's own clicks in the menu Model.",
            )
        return self._answering(image_id)

    def _answering(self, image_id: str) -> Predictor:
        """Who of ours could answer clicks, whoever does, set to an image."""
        live = self._live()
        if live.info.can(CLICKS):
            return self._show(image_id).predictor
        return self._clicker.shown(image_id, live.device)

    def _find_candidates(self, request: FindCandidates) -> CandidatesFound:
        """A slice of a search for objects that nobody clicked on."""
        return self._searches.go_on(request, self._live().info.version, self._searching)

    def _searching(self, request: FindCandidates) -> Predictor:
        """Who of ours answers clicks, set to the image of a search."""
        if request.pixels is None:
            return self._answering(request.image_id)
        live = self._live()
        predictor = live.predictor if live.info.can(CLICKS) else self._clicker.on(live.device)
        predictor.set_image(request.pixels)
        return predictor

    def forget(self, request: ForgetImage) -> None:
        """Drop an image with everything that was made of it."""
        self._pixels.drop(request.image_id)
        self._encoded.drop_where(lambda key: key[0] == request.image_id)
        self._clicks.forget_image(request.image_id)
        self._foreign.forget_image(request.image_id)
        self._searches.forget_image(request.image_id)
        self._experts.forget_image(request.image_id)
        self._attention.forget()

    def _live(self) -> _Weights:
        if self._weights is None:
            raise LatentsegError(
                "No weights are loaded yet.", action="Choose weights, or restart the program."
            )
        return self._weights

    def _show(self, image_id: str) -> _Weights:
        """The live weights with their predictor set to an image, encoding it if need be."""
        live, pixels = self._live(), self._pixels_of(image_id)
        key = image_id, live.info.version
        encoded = self._encoded.get(key)
        if encoded is None:
            encoded = live.predictor.set_image(pixels)
        else:
            live.predictor.encoding = encoded
        self._encoded.put(key, encoded, encoded.nbytes)
        return live

    def _pixels_of(self, image_id: str) -> NDArray[np.uint8]:
        known = self._pixels.get(image_id)
        if known is None:
            raise UnknownImageError(image_id)
        return known[0]


def _predicted(predictor: Predictor, version: str, request: PredictClasses | PredictWith) -> Prediction:
    """The classes of the image that a predictor is set to."""
    started, shape = time.monotonic(), predictor.encoding.shape
    answer = ClassPrediction(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
    answer = predictor.predict_classes(options=_options(request.extras), out=answer)
    return Prediction(
        image_id=request.image_id,
        version=version,
        labels=answer.labels,
        confidence=answer.confidence,
        seconds=time.monotonic() - started,
        instances=answer.instances,
        depth=answer.depth,
        temperature=answer.temperature,
    )


def _networks() -> tuple[NetworkChoice, ...]:
    """What can be trained."""
    return tuple(
        NetworkChoice(
            each.name,
            each.title,
            each.summary,
            each.limits,
            parameters_of(each) or 0,
            is_pretrained=each.is_pretrained,
            has_pretrained_encoder=each.encoder == PRETRAINED,
        )
        for each in all_offers()
        if each.is_trainable
    )


def _options(extras: PredictionExtras) -> PredictOptions:
    """What the model library calls the extras of the window."""
    scales = (0.75, 1.0, 1.25) if extras.sizes else (1.0,)
    return PredictOptions(scales, extras.mirror, Crf() if extras.edges else None)


def _try_out(predictor: Predictor, path: Path) -> None:
    """Weights that load and yet give no numbers must not become the live ones."""
    predictor.set_image(np.full((32, 32, 3), 127, np.uint8))
    if not np.isfinite(predictor.predict_classes().confidence).all():
        raise LatentsegError(
            f'The weights in "{path.name}" give no usable answer.',
            action="Use another file; the weights in use were not changed.",
        )


def _numbered(count: int) -> tuple[str, ...]:
    return ("background", *(f"class {index}" for index in range(1, count)))


def _cache_budget() -> int:
    """Bytes for encoded images: a share of the machine's memory, with a limit."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return MAX_CACHE_BYTES
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(MAX_CACHE_BYTES, int(memory * _MEMORY_SHARE))
