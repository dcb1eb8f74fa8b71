"""A click model of others behind the interface of our own: an image once, then clicks; argument names are SAM's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.click_models.frame import Frame, frame_of, from_image, image_tensor, to_image
from model.click_models.graphs import refuse
from model.click_models.pairs import open_pair, own_name
from model.click_models.prompts import mask_size, prompt_feeds
from model.click_models.session import MOST_SECONDS, GraphSession
from model.click_models.signature import Signature
from model.errors import ModelError
from model.prediction.inputs import Pointing, check_image, check_mask_input, check_pointing

Answer = tuple[NDArray[np.bool_], float, NDArray[np.float32]]
"""Mask bool [H, W], its estimated IoU, logits for the next call."""

_SURE: Final = 10.0
"""Logit of a pixel in a mask that a decoder has cut already."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedForClicks:
    """What an encoder made of an image: keep it, and hand it back through `ClickModel.encoding`.

    Attributes:
        frame: where the image lies in it.
        features: inputs of the decoder by name.
        model: whose it is.
    """

    frame: Frame
    features: dict[str, NDArray[Any]]
    model: object

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return sum(each.nbytes for each in self.features.values())


class ClickModel:
    """Answers clicks by an encoder and a decoder, or by one graph that is both, in ONNX.

    Args:
        signature: of the files, as `open_pair` finds it.
        seconds: the longest time that encoding, or a click, may take.
    """

    def __init__(self, signature: Signature, seconds: float = MOST_SECONDS) -> None:
        self.signature = signature
        self._decoder = GraphSession(signature.decoder, seconds)
        self._encoder = None if signature.encoder is None else GraphSession(signature.encoder, seconds)
        self._image: EncodedForClicks | None = None
        self.encoder_runs = 0

    @classmethod
    def open(cls, path: Path, partner: Path | None = None, *, seconds: float = MOST_SECONDS) -> ClickModel:
        """The click model of a folder or a file, tried out.

        Args:
            path: a folder with an encoder and a decoder, or one of the files.
            partner: the other file, where it is not found by itself.
            seconds: the longest time that a run may take.

        Raises:
            WeightsError: the files are refused; the message says which and why.
            ModelError: they do not work.
        """
        model = cls(open_pair(path, partner), seconds)
        model._try_out()
        return model

    @property
    def name(self) -> str:
        """What it is called: its file without the words that name a part, or its folder where nothing is left."""
        path = self.signature.decoder.path
        return own_name(path) or Path(os.path.realpath(path)).parent.name

    @property
    def title(self) -> str:
        """Name and kind, as they are shown."""
        return f"{self.name} ({self.signature.family.value})"

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._decoder.device

    def digest(self) -> str:
        """Tells its files from all others by what they hold.

        Raises:
            WeightsError: one cannot be read any more.
        """
        graphs = (self.signature.encoder, self.signature.decoder)
        return "".join(graph.digest().hex() for graph in graphs if graph is not None)

    @property
    def encoding(self) -> EncodedForClicks:
        """The present image as encoded; can be kept and set again later, which costs nothing."""
        if self._image is None:
            raise ModelError("There is no image yet.", action="Call set_image first.")
        return self._image

    @encoding.setter
    def encoding(self, image: EncodedForClicks) -> None:
        if image.model is not self:
            raise ModelError("This image was encoded by another model.", action="Encode it again.")
        self._image = image

    def set_image(self, image: NDArray[np.uint8]) -> EncodedForClicks:
        """Encode an image, RGB uint8 [H, W, 3]; all clicks are about it until the next.

        Raises:
            ModelError: it is no image, or the encoder did not work.
        """
        pixels, signature = check_image(image), self.signature
        frame = frame_of(signature, (pixels.shape[0], pixels.shape[1]))
        tensor = image_tensor(signature, frame, pixels)
        if self._encoder is None:
            features = {signature.image.name: tensor}
        else:
            self.encoder_runs += 1
            made = self._encoder.run({signature.image.name: tensor})
            features = {name: made[source] for name, source in signature.features.items()}
        self._image = EncodedForClicks(frame, features, self)
        return self._image

    def predict(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
    ) -> Answer:
        """The object that clicks or a box point at: the best of `predict_candidates`."""
        return self.predict_candidates(point_coords, point_labels, box, mask_input, most=1)[0]

    def predict_stages(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
        *,
        is_preview: bool = False,
    ) -> Iterator[tuple[bool, Answer]]:
        """As `predict`, in the form in which `model.Predictor` answers: there is one stage.

        Nothing is remembered here, so a preview is answered like any other question.
        """
        yield True, self.predict(point_coords, point_labels, box, mask_input)

    def predict_candidates(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
        *,
        most: int | None = None,
    ) -> list[Answer]:
        """Every object that clicks or a box may mean, the most likely first.

        Args:
            point_coords: (x, y) in pixels, float [P, 2]; the first pixel covers 0..1.
            point_labels: 1 for clicks on the object, 0 beside it, [P].
            box: x0, y0, x1, y1 in pixels.
            mask_input: logits that an earlier call returned, or a bool mask to start from.
            most: so many of them; None for as many as the model gives.

        Returns:
            As many as the model gives: mask bool [H, W], estimated IoU 0..1, logits float32 [h, w].

        Raises:
            ModelError: nothing, or nonsense, was pointed at; the model takes no such thing, or did not work.
        """
        image = self.encoding
        pointing = check_pointing(point_coords, point_labels, box, image.frame.shape)
        if len(pointing.xy) == 0 and pointing.box is None:
            raise ModelError("Nothing was pointed at.", action="Give at least one click or a box.")
        earlier = self._earlier(check_mask_input(mask_input))
        feeds = prompt_feeds(self.signature, image.frame, pointing, earlier, image.features)
        answers = self._decoder.run({**image.features, **feeds})
        return self._candidates(answers, pointing, has_earlier=earlier is not None, most=most)

    def _earlier(self, logits: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        """An earlier answer as the decoder takes it; None where it takes none."""
        port = self.signature.roles.get("mask")
        if logits is None or port is None:
            return None
        size = mask_size(port, self.encoding.features)
        return logits if logits.shape == size else from_image(self.encoding.frame, logits, size)

    def _candidates(
        self,
        answers: dict[str, NDArray[Any]],
        pointing: Pointing,
        *,
        has_earlier: bool,
        most: int | None,
    ) -> list[Answer]:
        signature, frame = self.signature, self.encoding.frame
        source = signature.low or signature.masks
        logits = _flat(answers[source], signature)  # [M, h, w]
        is_part = source == signature.masks and logits.shape[1:] in (frame.size, frame.shape)
        has_own_size = "size" in signature.roles and source == signature.masks
        scores = _scores(answers.get(signature.scores), logits)
        found = []
        for index in _chosen(scores, pointing, has_earlier=has_earlier)[:most]:
            whole = to_image(frame, logits[index], is_padded=not (is_part or has_own_size))
            found.append((whole > 0, float(scores[index]), self._kept(logits[index], whole)))
        return found

    def _kept(self, logits: NDArray[np.float32], whole: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a next call goes on from: in the size that the decoder takes, where the answer has that."""
        port = self.signature.roles.get("mask")
        has_size = port is not None and logits.shape == mask_size(port, self.encoding.features)
        return logits if has_size else whole

    def _try_out(self) -> None:
        """A grey picture and a click, so that what cannot work is refused when it is opened."""
        self.set_image(np.full((48, 64, 3), 127, np.uint8))
        for mask, _, logits in self.predict_candidates([[32.0, 24.0]], [1]):
            if mask.shape != (48, 64) or not np.isfinite(logits).all():
                refuse(self.signature.decoder.path, "it gives no usable masks")
        self._image = None


def _flat(masks: NDArray[Any], signature: Signature) -> NDArray[np.float32]:
    """The masks of the one object that was asked about, [M, h, w].

    Decoders give [B, M, h, w], or [B, Q, M, h, w] where they take several objects at once.
    """
    if masks.ndim < 3 or masks.size == 0 or (masks.ndim == 5 and masks.shape[1] != 1):
        refuse(signature.decoder.path, f"its masks have the shape {list(masks.shape)}")
    if masks.dtype.kind in "bui":  # cut at 0 already
        masks = np.where(masks > 0, _SURE, -_SURE)
    return np.asarray(masks, np.float32).reshape(-1, *masks.shape[-2:])


def _scores(given: NDArray[Any] | None, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The estimated IoU of each mask, 0..1; where none is given, how sure the model is inside the mask."""
    if given is not None and given.size == len(logits):
        return np.nan_to_num(np.asarray(given, np.float32).reshape(-1)).clip(0.0, 1.0)
    sure = [1 / (1 + np.exp(-each[each > 0].clip(0, 30))) for each in logits]
    return np.array([each.mean() if each.size else 0.0 for each in sure], np.float32)


def _chosen(scores: NDArray[np.float32], pointing: Pointing, *, has_earlier: bool) -> list[int]:
    """The masks, the best first.

    Of four, the first is the answer to what is not ambiguous, and the others are part, subpart and whole (Kirillov
    et al., Segment Anything, 2023, appendix A); a single click is ambiguous.
    """
    order = [int(index) for index in np.argsort(-scores, kind="stable")]
    if len(order) != 4:
        return order
    is_clear = len(pointing.xy) > 1 or pointing.box is not None or has_earlier
    others = [index for index in order if index != 0]
    return [0, *others] if is_clear else others
