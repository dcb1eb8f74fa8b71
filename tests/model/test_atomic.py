"""M-15 (S-02, S-03 for weights): whatever step fails or kills, the old content or the new is there."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.weights import atomic

OPERATIONS = ("write", "fsync", "close", "chmod", "replace", "open")
NEW = bytes(range(256)) * 40


class Counted:
    """Counts calls of os functions and fails at the k-th."""

    def __init__(self, fail_at, error):
        self.calls, self.fail_at, self.error = 0, fail_at, error

    def wrap(self, function):
        def call(*args):
            self.calls += 1
            if self.calls == self.fail_at:
                raise OSError(self.error, os.strerror(self.error))
            return function(*args)

        return call


def patched(monkeypatch, counter):
    for name in OPERATIONS:
        monkeypatch.setattr(atomic.os, name, counter.wrap(getattr(os, name)))


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_failure_at_every_step_leaves_the_old_or_the_new(tmp_path, monkeypatch, error):
    path = tmp_path / "weights.safetensors"
    failures = 0
    for fail_at in range(1, 50):
        path.write_bytes(b"old")
        counter = Counted(fail_at, error)
        with monkeypatch.context() as patch:
            patched(patch, counter)
            try:
                atomic.write_atomically(path, NEW)
            except OSError:
                failures += 1
            else:
                break
        assert path.read_bytes() in (b"old", NEW)
        assert [p.name for p in tmp_path.iterdir()] == ["weights.safetensors"]
    assert failures >= 5
    assert path.read_bytes() == NEW


def test_short_writes_are_continued(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(atomic.os, "write", lambda handle, data: write(handle, bytes(data[:1000])))
    atomic.write_atomically(tmp_path / "a", NEW)
    assert (tmp_path / "a").read_bytes() == NEW


def test_data_reach_the_disk_before_the_name_and_the_folder_after(tmp_path, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            atomic.os, name, lambda *args, n=name, real=real: (order.append(n), real(*args))[1]
        )
    atomic.write_atomically(tmp_path / "a", NEW)
    assert order == ["fsync", "replace", "fsync"]


def test_the_mode_of_the_file_is_kept(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    atomic.write_atomically(path, NEW)
    assert path.stat().st_mode & 0o777 == 0o640


CHILD = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("atomic", sys.argv[1])
atomic = importlib.util.module_from_spec(spec)
spec.loader.exec_module(atomic)
left = int(sys.argv[3])
def dying(real, is_write):
    def call(*args):
        global left
        left -= 1
        if left == 0:
            if is_write:
                real(args[0], bytes(args[1])[:100])
            os._exit(9)
        return real(*args)
    return call
for name in ("write", "fsync", "close", "chmod", "replace"):
    setattr(os, name, dying(getattr(os, name), name == "write"))
from pathlib import Path
atomic.write_atomically(Path(sys.argv[2]), bytes(range(256)) * 40)
"""


def test_a_crash_at_every_step_leaves_the_old_or_the_new(tmp_path):
    path = tmp_path / "weights.safetensors"
    for crash_at in range(1, 30):
        path.write_bytes(b"old")
        command = [sys.executable, "-S", "-c", CHILD, atomic.__file__, str(path), str(crash_at)]
        outcome = subprocess.run(command, check=False, timeout=60)
        assert path.read_bytes() in (b"old", NEW)
        if outcome.returncode == 0:
            break
        assert outcome.returncode == 9
    assert crash_at > 5
    assert path.read_bytes() == NEW
    assert Path(path).exists()
