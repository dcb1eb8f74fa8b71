"""M-12: which device is chosen, and that the reason is said."""

import errno

import pytest
import torch

from model.errors import ModelError
from model.prediction import device
from model.prediction.device import choose_device, full_precision, is_out_of_memory, is_same_device


@pytest.fixture(autouse=True)
def _no_measuring(monkeypatch):
    monkeypatch.setattr(device, "fast_dtype", lambda kind: torch.float32)


def probes(cuda="", mps=""):
    return {"cuda": lambda: cuda, "mps": lambda: mps}


def test_auto_prefers_cuda_then_mps_then_cpu():
    assert choose_device(probes=probes()).device.type == "cuda"
    assert choose_device(probes=probes(cuda="no GPU")).device.type == "mps"
    choice = choose_device(probes=probes(cuda="the driver is too old", mps="this is no Mac"))
    assert choice.device.type == "cpu"
    assert not choice.is_fallback
    assert "the driver is too old" in choice.reason
    assert "this is no Mac" in choice.reason


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "mps"])
def test_an_explicit_device_that_is_missing_is_refused_with_the_reason(wanted):
    with pytest.raises(ModelError, match="fell off the bus") as caught:
        choose_device(wanted, probes=probes(cuda="the GPU fell off the bus", mps="it fell off the bus"))
    assert "cpu" in caught.value.action


def test_or_the_cpu_is_taken_and_said():
    choice = choose_device("cuda", allow_fallback=True, probes=probes(cuda="no GPU was found"))
    assert choice.device.type == "cpu"
    assert choice.is_fallback
    assert '"cuda" was asked for, but no GPU was found' in choice.reason


@pytest.mark.parametrize("wanted", ["gpu", "", "xpu", "meta", "cuda:x"])
def test_names_that_are_no_device_are_refused(wanted):
    with pytest.raises(ModelError, match="not a device"):
        choose_device(wanted)


def test_the_real_probes_never_raise():
    for probe in (device.probe_cuda, device.probe_mps):
        assert isinstance(probe(), str)


def test_the_cpu_names_its_threads():
    choice = choose_device("cpu")
    assert choice.name.startswith("CPU, ")
    assert choice.reason


def test_the_cpu_format_is_the_one_that_measured_faster(monkeypatch):
    monkeypatch.undo()
    for seconds, expected in ((0.5, torch.bfloat16), (0.9, torch.float32), (2.0, torch.float32)):
        device.fast_dtype.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(
                device, "measure_cpu_dtypes", lambda s=seconds: {torch.float32: 1.0, torch.bfloat16: s}
            )
            assert device.fast_dtype("cpu") == expected
    device.fast_dtype.cache_clear()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."), True),
        (MemoryError(), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_out_of_memory_is_known_in_every_dialect(error, expected):
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize(
    "words",
    [
        "could not create a primitive",
        "could not execute a primitive",
        "could not create a primitive descriptor for a convolution forward propagation primitive",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED",
        "cuFFT error: CUFFT_ALLOC_FAILED",
        "std::bad_alloc",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
    ],
)
def test_libraries_below_torch_have_their_own_words_for_a_lack_of_memory(words):
    assert is_out_of_memory(RuntimeError(words))
    assert not is_out_of_memory(ValueError(words))


@pytest.mark.parametrize(
    "words", ["cuDNN error: CUDNN_STATUS_NOT_SUPPORTED", "mat1 and mat2 cannot be multiplied"]
)
def test_other_troubles_are_not_taken_for_it(words):
    assert not is_out_of_memory(RuntimeError(words))


def test_the_system_says_it_with_a_number():
    assert is_out_of_memory(OSError(errno.ENOMEM, "Cannot allocate memory"))
    assert not is_out_of_memory(OSError(errno.ENOSPC, "No space left on device"))


def test_devices_are_told_apart_by_their_number():
    cpu, first, second = torch.device("cpu"), torch.device("cuda:0"), torch.device("cuda:1")
    assert is_same_device(cpu, torch.device("cpu"))
    assert is_same_device(second, torch.device("cuda", 1))
    assert not is_same_device(first, second)
    assert not is_same_device(cpu, first)
    if not torch.cuda.is_available():
        assert is_same_device(torch.device("cuda"), first)


def test_float32_is_float32_on_a_gpu_only_as_long_as_it_is_wanted():
    switches = torch.backends.cudnn.conv, torch.backends.cuda.matmul
    before = [each.fp32_precision for each in switches]
    with full_precision(torch.device("cuda"), torch.float32):
        assert [each.fp32_precision for each in switches] == ["ieee", "ieee"]
    assert [each.fp32_precision for each in switches] == before
    with full_precision(torch.device("cuda"), torch.bfloat16):
        assert [each.fp32_precision for each in switches] == before
