"""Where the model runs, and why: a device, a number format, and a sentence for the user."""

from __future__ import annotations

import errno
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import torch
import torch.nn.functional as F

from model.errors import ModelError

_SAYS_MEMORY: Final = re.compile(
    "out of memory|(can't|cannot|failed to) allocate|not enough memory|bad_?alloc"
    "|status_alloc_failed|cufft_alloc_failed"  # cuBLAS, cuDNN, cuSOLVER, cuSPARSE; cuFFT
    "|could not (create|execute) a primitive",  # oneDNN, which has no other words for it
    re.IGNORECASE,
)

BF16_MUST_GAIN: Final = 1.25
"""bfloat16 is taken on a CPU only if it is at least this much faster than float32."""


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device and how it came to be chosen.

    Attributes:
        device: where tensors live.
        dtype: number format to predict classes in, and to fine-tune in (through autocast); bfloat16 where that
            is faster, else float32. Clicks are in float32 whatever it is.
        name: for a status bar ("CPU, 2 threads").
        reason: one sentence.
        is_fallback: whether something else was asked for.
    """

    device: torch.device
    dtype: torch.dtype
    name: str
    reason: str
    is_fallback: bool = False


def probe_cuda() -> str:
    """Empty if CUDA works, else why it does not."""
    if not torch.backends.cuda.is_built():  # type: ignore[no-untyped-call]
        return "this build of torch has no CUDA"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if not torch.cuda.is_available():
                heard = "; ".join(str(w.message).split("\n")[0] for w in caught)
                return heard or "no NVIDIA GPU with a working driver was found"
            torch.ones(8, device="cuda").sum().item()
        except (RuntimeError, AssertionError) as error:
            return f"the GPU did not answer ({_first_line(error)})"
    return ""


def probe_mps() -> str:
    """Empty if Apple's GPU works, else why it does not."""
    if not torch.backends.mps.is_built():
        return "this build of torch has no MPS (Apple GPU)"
    try:
        if not torch.backends.mps.is_available():
            return "no Apple GPU that torch can use was found"
        torch.ones(8, device="mps").sum().item()
    except (RuntimeError, NotImplementedError) as error:
        return f"the Apple GPU did not answer ({_first_line(error)})"
    return ""


Probes = Mapping[str, Callable[[], str]]

PROBES: Final[Probes] = {"cuda": probe_cuda, "mps": probe_mps}


def choose_device(
    wanted: str = "auto", *, allow_fallback: bool = False, probes: Probes = PROBES
) -> DeviceChoice:
    """Choose where to run.

    Args:
        wanted: "auto" (CUDA, then MPS, then CPU), "cpu", "cuda", "cuda:1", "mps".
        allow_fallback: take the CPU, and say so, where ``wanted`` cannot be had.
        probes: per device type a function that says why it cannot be used; empty if it can.

    Raises:
        ModelError: ``wanted`` is no device, or cannot be had and ``allow_fallback`` is false.
    """
    if wanted == "auto":
        return _choose_best(probes)
    device = _parse(wanted)
    if device.type == "cpu":
        return _describe(device, "The CPU was asked for.")
    trouble = probes[device.type]() or _missing_index(device)
    if not trouble:
        return _describe(device, f"{wanted} was asked for and works.")
    if not allow_fallback:
        raise ModelError(
            f'The device "{wanted}" cannot be used: {trouble}.',
            action='Choose "auto" or "cpu", or run `latentseg doctor` to see what is missing.',
        )
    choice = _describe(torch.device("cpu"), f'"{wanted}" was asked for, but {trouble}; the CPU is used.')
    return replace(choice, is_fallback=True)


def _choose_best(probes: Probes) -> DeviceChoice:
    troubles = []
    for kind in ("cuda", "mps"):
        trouble = probes[kind]()
        if not trouble:
            return _describe(torch.device(kind), f"{kind.upper()} works, and it is the fastest here.")
        troubles.append(trouble)
    return _describe(torch.device("cpu"), f"The CPU is used because {troubles[0]} and {troubles[1]}.")


def _parse(wanted: str) -> torch.device:
    try:
        device = torch.device(wanted)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda", "mps"):
        raise ModelError(
            f'"{wanted}" is not a device that this program knows.', action="Use auto, cpu, cuda or mps."
        )
    return device


def _missing_index(device: torch.device) -> str:
    if device.type == "cuda" and device.index is not None and device.index >= torch.cuda.device_count():
        return f"there are only {torch.cuda.device_count()} GPUs, counted from 0"
    return ""


def _describe(device: torch.device, reason: str) -> DeviceChoice:
    return DeviceChoice(device, fast_dtype(device.type), _name(device), reason)


def _name(device: torch.device) -> str:
    if device.type == "cuda" and torch.cuda.is_available():
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}" if device.type == "cpu" else str(device)


@cache
def fast_dtype(kind: str) -> torch.dtype:
    """The number format to compute in on devices of ``kind``; measured once on a CPU."""
    if kind == "cuda":
        can = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if can else torch.float32
    if kind == "cpu":
        speeds = measure_cpu_dtypes()
        gain = speeds[torch.float32] / speeds[torch.bfloat16]
        return torch.bfloat16 if gain >= BF16_MUST_GAIN else torch.float32
    return torch.float32


@cache
def measure_cpu_dtypes() -> dict[torch.dtype, float]:
    """Seconds of a typical convolution on one core of this CPU per number format; takes about 0.1 s.

    Other programs that keep the CPU busy hardly count: what is measured is this thread's own time,
    where the system's clock for that is fine enough.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return {dtype: _time_convolution(dtype) for dtype in (torch.float32, torch.bfloat16)}
    finally:
        torch.set_num_threads(threads)


@torch.inference_mode()
def _time_convolution(dtype: torch.dtype, repeats: int = 5) -> float:
    clock = time.perf_counter
    if hasattr(time, "thread_time") and time.get_clock_info("thread_time").resolution < 1e-4:
        clock = time.thread_time
    image = torch.ones(1, 64, 128, 128, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight = torch.full((64, 64, 3, 3), 0.01, dtype=dtype).contiguous(memory_format=torch.channels_last)
    best = float("inf")
    for _ in range(repeats):
        start = clock()
        F.conv2d(image, weight, padding=1)
        best = min(best, clock() - start)
    return max(best, 1e-9)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, in any of the ways in which torch says it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and _SAYS_MEMORY.search(str(error)) is not None


@contextmanager
def full_precision(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Within it, float32 on a GPU is float32: else convolutions round to TF32, which has 10 bits after the point.

    Nothing changes for other number formats and devices.
    """
    if device.type != "cuda" or dtype != torch.float32:
        yield
        return
    switches: tuple[Any, ...] = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)  # type: ignore[attr-defined]
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch in switches:
            switch.fp32_precision = "ieee"
        yield
    finally:
        for switch, precision in zip(switches, before, strict=True):
            switch.fp32_precision = precision


def is_same_device(one: torch.device, other: torch.device) -> bool:
    """Whether two name the same device: "cuda" is the GPU in use, "cuda:1" perhaps another."""
    return one.type == other.type and _index(one) == _index(other)


def _index(device: torch.device) -> int:
    if device.index is not None:
        return device.index
    return torch.cuda.current_device() if device.type == "cuda" and torch.cuda.is_available() else 0


def free_cached_memory(device: torch.device) -> None:
    """Give memory that torch keeps for later back to ``device``."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0]
