"""M-01, M-02, M-03: what is no honest file of weights is refused before a tensor is read, and never run."""

import io
import json
import pickle
import struct
import tarfile
import time
import zipfile

import numpy as np
import pytest

from model.errors import WeightsError
from model.weights.checks import read_checked


class Payload:
    """Creates a marker file when unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def zipped(name, data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, data)
    return stream.getvalue()


def tarred(name, data):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def numpy_file(value):
    stream = io.BytesIO()
    np.save(stream, np.array([value], dtype=object), allow_pickle=True)
    return stream.getvalue()


HOSTILE = {
    "protocol0.pt": lambda p: pickle.dumps(p, 0),
    "protocol1.pth": lambda p: pickle.dumps(p, 1),
    "protocol2.pt": lambda p: pickle.dumps(p, 2),
    "protocol4.pkl": lambda p: pickle.dumps(p, 4),
    "protocol5.ckpt": lambda p: pickle.dumps(p, 5),
    "state_dict.pt": lambda p: pickle.dumps({"encoder.conv1.weight": p}, 2),
    "torch_zip.pt": lambda p: zipped("archive/data.pkl", pickle.dumps(p, 2)),
    "model.npz": lambda p: zipped("weights.npy", numpy_file(p)),
    "array.npy": lambda p: numpy_file(p),
    "old_torch.tar": lambda p: tarred("pickle", pickle.dumps(p, 2)),
    "disguised.safetensors": lambda p: pickle.dumps([p], 4),
    "disguised_zip.safetensors": lambda p: zipped("archive/data.pkl", pickle.dumps(p, 2)),
    "text_in_disguise.safetensors": lambda p: pickle.dumps({"a": p}, 0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_formats_that_can_run_code_are_refused_and_not_run(tmp_path, name):
    marker = tmp_path / "marker"
    path = tmp_path / name
    path.write_bytes(HOSTILE[name](Payload(marker)))
    with pytest.raises(WeightsError, match="can run code; convert it") as caught:
        read_checked(path)
    assert not marker.exists()
    assert "safetensors" in caught.value.action


def test_the_payload_would_have_worked(tmp_path):
    """The samples above prove something only if they are live."""
    marker = tmp_path / "marker"
    pickle.loads(pickle.dumps(Payload(marker), 2)).close()
    assert marker.exists()


def file_of(header, data=b"", length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def tensor(shape=(2,), start=0, end=8, dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


GOOD = {"a": tensor(), "b": tensor(start=8, end=16)}

BAD_HEADERS = {
    "length of 2^63": file_of(GOOD, bytes(16), length=1 << 63),
    "length beyond the file": file_of(GOOD, b"", length=4000),
    "header over a megabyte": file_of(b'{"a":' + b" " * (1 << 20) + b"1}"),
    "overlap": file_of({"a": tensor(), "b": tensor(start=4, end=12)}, bytes(12)),
    "same bytes twice": file_of({"a": tensor(), "b": tensor()}, bytes(8)),
    "hole": file_of({"a": tensor(), "b": tensor(start=12, end=20)}, bytes(20)),
    "does not start at 0": file_of({"a": tensor(start=4, end=12)}, bytes(12)),
    "trailing bytes": file_of(GOOD, bytes(17)),
    "truncated data": file_of(GOOD, bytes(15)),
    "unknown number format": file_of({"a": tensor(dtype="F33")}, bytes(8)),
    "number format is a list": file_of({"a": tensor(dtype=["F32"])}, bytes(8)),
    "shape overflows": file_of({"a": tensor(shape=(1 << 40, 1 << 40))}, bytes(8)),
    "shape is huge": file_of({"a": tensor(shape=(1 << 62, 4))}, bytes(8)),
    "negative shape": file_of({"a": tensor(shape=(-2,))}, bytes(8)),
    "negative offset": file_of({"a": tensor(start=-8, end=0)}, bytes(8)),
    "end before start": file_of({"a": tensor(shape=(0,), start=8, end=0)}, bytes(8)),
    "float shape": file_of({"a": tensor(shape=(2.0,))}, bytes(8)),
    "bool shape": file_of({"a": tensor(shape=(True,), end=4)}, bytes(4)),
    "too many dimensions": file_of({"a": tensor(shape=(1,) * 60, end=4)}, bytes(4)),
    "size does not fit": file_of({"a": tensor(shape=(3,))}, bytes(8)),
    "entry is a text": file_of({"a": "F32"}),
    "extra key": file_of({"a": tensor() | {"code": "x"}}, bytes(8)),
    "missing key": file_of({"a": {"dtype": "F32", "shape": [2]}}, bytes(8)),
    "duplicate tensor": file_of(
        b'{"a":' + json.dumps(tensor()).encode() + b',"a":' + json.dumps(tensor()).encode() + b"}", bytes(8)
    ),
    "duplicate inside an entry": file_of(
        b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8)
    ),
    "not JSON": file_of(b"{not json}"),
    "NaN": file_of(b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', bytes(8)),
    "deeply nested": file_of(b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}"),
    "number with a million digits": file_of(b'{"a":' + b"9" * 1_000_000 + b"}"),
    "not UTF-8": file_of(b'{"\xff\xfe": 1}'),
    "5001 tensors": file_of({f"t{i}": tensor((0,), 0, 0) for i in range(5001)}),
    "300 000 tensors": file_of({f"{i}": tensor((0,), 0, 0) for i in range(300_000)}),
    "metadata is a list": file_of({"__metadata__": ["x"], **GOOD}, bytes(16)),
    "metadata is a number": file_of({"__metadata__": {"x": 1}, **GOOD}, bytes(16)),
    "metadata over 64 KB": file_of({"__metadata__": {"x": "y" * 65537}, **GOOD}, bytes(16)),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_hostile_safetensors_are_refused_at_once(tmp_path, name):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(BAD_HEADERS[name])
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        with pytest.raises(WeightsError, match=r"weights\.safetensors"):
            read_checked(path)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html>404</html>", "web page"),
        (b"hello, these are not weights", "not a safetensors file"),
        (b"{}", "not a safetensors file"),
        (b"\x08\0\0\0\0\0\0\0", "not a safetensors file"),
        (bytes(5000), "not a safetensors file"),
        (file_of(GOOD, bytes(16))[:40], "ends inside its header"),
    ],
)
def test_what_is_something_else_is_named(tmp_path, content, message):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        read_checked(path)


def test_a_missing_file_and_a_folder_are_errors_of_the_same_family(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(WeightsError, match="cannot be read"):
            read_checked(path)


def test_an_honest_file_passes(tmp_path):
    path = tmp_path / "weights.safetensors"
    content = file_of(
        {"__metadata__": {"note": "ü"}, **GOOD, "empty": tensor((0, 3), 16, 16)}, bytes(range(16))
    )
    path.write_bytes(content)
    data, header = read_checked(path)
    assert data == content
    assert header.metadata == {"note": "ü"}
    assert header.tensors["b"].shape == (2,)
    assert list(header.tensors) == ["a", "b", "empty"]


def test_a_header_length_that_looks_like_a_pickle_passes(tmp_path):
    """A header of 0x0280 bytes makes the file begin with the two bytes of a protocol 2 pickle."""
    raw = json.dumps(GOOD).encode()
    path = tmp_path / "weights.safetensors"
    path.write_bytes(file_of(raw + b" " * (0x0280 - len(raw)), bytes(16)))
    assert path.read_bytes()[:2] == b"\x80\x02"
    assert len(read_checked(path)[1].tensors) == 2


def test_any_cut_and_any_flipped_bit_is_refused_or_honest(tmp_path):
    content = file_of(GOOD, bytes(16))
    path = tmp_path / "weights.safetensors"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(WeightsError):
            read_checked(path)
    generator = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(content)
        broken[generator.integers(len(content) - 16)] ^= 1 << int(generator.integers(8))
        path.write_bytes(broken)
        try:
            _, header = read_checked(path)
        except WeightsError:
            continue
        assert sum(entry.end - entry.start for entry in header.tensors.values()) == 16
