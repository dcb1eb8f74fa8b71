"""A network at work: on its device, in its number format, counting what it does, and surviving shortage."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.errors import ModelError
from model.networks.experts import AttentionMaps
from model.networks.network import PromptTensors
from model.networks.protocols import (
    ClassEncoder,
    Clickable,
    Inspectable,
    ObjectFinder,
    Segmenter,
    SizedEncoding,
)
from model.prediction.device import (
    DeviceChoice,
    choose_device,
    free_cached_memory,
    full_precision,
    is_out_of_memory,
    is_same_device,
)
from model.prediction.inputs import Pointing
from model.prediction.shared_norms import SharedGroupNorm

HALVINGS: Final = 2

Answer = TypeVar("Answer")


class Runner:
    """Runs a private copy of a network; the original stays untouched.

    Args:
        network: a `Segmenter`, perhaps `Clickable` and `Inspectable`.
        choice: device and number format.

    Attributes:
        choice: where it runs now; changes when memory runs out.
        encoder_runs: how often an image was encoded.
        notes: sentences for the user about what had to be done differently.
    """

    def __init__(self, network: nn.Module, choice: DeviceChoice) -> None:
        self.choice = choice
        self.encoder_runs = 0
        self.notes: list[str] = []
        private = copy.deepcopy(network).eval().requires_grad_(False)
        self._module = SharedGroupNorm.converted(private)
        self._network = cast(Segmenter, self._module)  # the same, as what it is asked for
        self._place()

    @property
    def network(self) -> nn.Module:
        """The private copy."""
        return self._module

    @property
    def config(self) -> Any:
        """Sizes of the network, among them ``num_classes`` and ``num_experts``."""
        return self._network.config

    @property
    def can_segment(self) -> bool:
        """Whether the network answers clicks."""
        return isinstance(self._network, Clickable)

    @property
    def num_candidates(self) -> int:
        """How many other meanings of a click the network can be asked for."""
        return int(getattr(self.config, "num_candidates", 0))

    @property
    def stride(self) -> int:
        """Pixels per token along one side."""
        return self._network.stride

    @torch.inference_mode()
    def encode(self, pixels: NDArray[np.uint8], *, for_clicks: bool = True) -> SizedEncoding:
        """Encode a picture uint8 [H, W, 3]; what only classes are read from may be encoded in half the time."""
        self.encoder_runs += 1
        tensor = torch.from_numpy(np.array(pixels)).to(self.choice.device)
        image = tensor.permute(2, 0, 1)[None].float() / 255  # [1, 3, H, W]
        with full_precision(self.choice.device, self.choice.dtype):
            if not for_clicks and isinstance(self._network, ClassEncoder):
                return self._network.encode_for_classes(image)
            return self._network.encode(image)

    @property
    def has_depth(self) -> bool:
        """Whether the network tells objects of a class apart."""
        return bool(getattr(self._network, "separates", False))

    @property
    def object_side(self) -> int:
        """Side in pixels of the objects that the network has learned to tell apart; 0 where that is not known."""
        config = getattr(self._network, "detail_config", None)
        return int(config.object_side) if self.has_depth and config is not None else 0

    @property
    def own_colours(self) -> float:
        """How much the colours of a picture count for the outlines of its objects, 0..1."""
        config = getattr(self._network, "detail_config", None)
        return config.own_colours / 100 if self.has_depth and config is not None else 0.0

    @property
    def num_maps(self) -> int:
        """Maps that `class_maps` gives: one a class, and one for depth."""
        return int(self.config.num_classes) + self.has_depth

    @torch.inference_mode()
    def class_maps(self, encoding: SizedEncoding, gains: NDArray[np.float32] | None = None) -> Tensor:
        """Logits float32 [R, H, W]: of the classes, then of depth where objects are told apart."""
        tensor = None if gains is None else torch.from_numpy(gains).to(self.choice.device)
        with full_precision(self.choice.device, self.choice.dtype):
            output = self._network.classify(self._here(encoding), expert_gains=tensor)
        parts = [output.logits[0].float()]
        if output.depth is not None:
            parts.append(output.depth[0].float())
        return torch.cat(parts)

    @torch.inference_mode()
    def classify(
        self,
        encoding: SizedEncoding,
        gains: NDArray[np.float32] | None = None,
        *,
        need_attention: bool = False,
    ) -> tuple[Tensor, AttentionMaps | None]:
        """Class logits float32 [C, H, W] and, if asked for, the maps."""
        tensor = None if gains is None else torch.from_numpy(gains).to(self.choice.device)
        with full_precision(self.choice.device, self.choice.dtype):
            output = self._network.classify(
                self._here(encoding), expert_gains=tensor, need_attention=need_attention
            )
        return output.logits[0].float(), output.maps

    @property
    def things(self) -> frozenset[int]:
        """Classes whose objects the network finds by itself."""
        return self._network.things if isinstance(self._network, ObjectFinder) else frozenset()

    @property
    def smallest(self) -> int:
        """Pixels of the smallest object that the network takes for one."""
        return int(getattr(self._network, "smallest", 0))

    @torch.inference_mode()
    def numbers(self, encoding: SizedEncoding) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Objects, where there are `things`: numbers [H, W], 0 for none; the class of each, from number 0 on."""
        if not isinstance(self._network, ObjectFinder):
            raise ModelError(
                "This network does not find objects.", action="Use one that does, such as Mask R-CNN."
            )
        numbers, classes = self._network.numbers(self._here(encoding))
        return numbers.cpu().numpy(), classes.cpu().numpy()

    @torch.inference_mode()
    def expert_vectors(self, encoding: SizedEncoding) -> NDArray[np.float32]:
        """What pixels read for classes, float32 [K, D]: the experts after looking and after exchanging.

        Raises:
            ModelError: the network has no experts.
        """
        if not isinstance(self._network, Inspectable):
            raise ModelError(
                "This network has no experts to look into.", action="Use the latent-expert network for that."
            )
        read = self._network.expert_vectors(self._here(encoding))
        return np.asarray(read[0].float().cpu().numpy(), dtype=np.float32)

    @torch.inference_mode()
    def segment(
        self,
        encoding: SizedEncoding,
        pointing: Pointing,
        previous: NDArray[np.float32] | None,
        *,
        need_attention: bool = False,
        candidate: int = 0,
    ) -> tuple[NDArray[np.float32], float, AttentionMaps | None]:
        """Object logits float32 [H, W], the predicted IoU and, if asked for, the maps.

        Args:
            encoding: from `encode`.
            pointing: in pixels of the encoded picture.
            previous: logits of the answer so far, of the size of the encoded picture.
            need_attention: whether to compute the maps.
            candidate: which meaning is asked for: 0 the likeliest, up to `num_candidates` others.

        Raises:
            ModelError: the network knows classes only.
        """
        if not isinstance(self._network, Clickable):
            raise ModelError(
                "This network knows classes only and cannot answer clicks.",
                action="Use the default network, or predict classes.",
            )
        earlier = None
        if previous is not None:
            earlier = torch.from_numpy(np.array(previous)).to(self.choice.device)[None, None]
        asked: dict[str, Any] = {"previous": earlier, "need_attention": need_attention}
        if candidate:  # networks that know one meaning only need not know that there are others
            asked["candidate"] = candidate
        with full_precision(self.choice.device, self.choice.dtype):
            output = self._network.segment(self._here(encoding), self._prompts(pointing), **asked)
        logits = np.asarray(output.logits[0, 0].float().cpu().numpy(), dtype=np.float32)
        return logits, float(output.score[0]), output.maps

    def within_memory(self, size: int, attempt: Callable[[int], Answer]) -> Answer:
        """``attempt(size)``; where memory runs out, with half the size, a quarter, then on the CPU.

        Args:
            size: anything that memory grows with; the first size to try.
            attempt: may be called several times.

        Raises:
            ModelError: memory ran out in every way.
        """
        for halving in range(HALVINGS + 1):
            outcome = _try(attempt, size >> halving)
            if outcome is not None:
                if halving:
                    self._note(f"Memory ran out on {self.choice.name}; the picture is done in smaller parts.")
                return outcome[0]
            self._free()
        if self.choice.device.type == "cpu":
            raise ModelError(
                "There is not enough memory for this picture.", action="Close other programs or shrink it."
            )
        self._retreat()
        return self.within_memory(size, attempt)

    def _retreat(self) -> None:
        """Go on with the CPU, in the same number format, so that encodings that are kept still fit."""
        lost = self.choice.name
        reason = f"{lost} ran out of memory, so the CPU is used."
        cpu = choose_device("cpu")
        self.choice = replace(cpu, dtype=self.choice.dtype, reason=reason, is_fallback=True)
        self._note(reason)
        self._place()
        self._free()

    def _place(self) -> None:
        self._module.to(self.choice.device, self.choice.dtype)
        self._module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _free(self) -> None:
        gc.collect()
        free_cached_memory(self.choice.device)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _here(self, encoding: SizedEncoding) -> Any:
        """``encoding`` on the device that is used now."""
        if is_same_device(encoding.tokens.device, self.choice.device):
            return encoding
        return encoding.to(self.choice.device)

    def _prompts(self, pointing: Pointing) -> PromptTensors:
        """Clicks as tensors; where there is none, one that counts for nothing."""
        device = self.choice.device
        has_points = len(pointing.xy) > 0
        xy = pointing.xy if has_points else np.zeros((1, 2), np.float32)
        labels = pointing.is_positive.astype(np.int64) if has_points else np.array([-1])
        box = None if pointing.box is None else torch.from_numpy(np.array(pointing.box))[None].to(device)
        return PromptTensors(
            points=torch.from_numpy(np.array(xy))[None].to(device),
            labels=torch.from_numpy(labels)[None].to(device),
            boxes=box,
        )


def _try(attempt: Callable[[int], Answer], size: int) -> tuple[Answer] | None:
    """The answer, or None where memory ran out; any other error passes.

    The error is gone when this returns: its traceback would keep the tensors alive.
    """
    try:
        return (attempt(size),)
    except (RuntimeError, MemoryError, OSError) as error:
        if not is_out_of_memory(error):
            raise
    return None
