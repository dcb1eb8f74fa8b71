"""What is opened from outside is an ordinary file, and no more of it is read than is wanted."""

import os
import socket

import pytest

from latentseg_gui.io.images.reading import ImageError, probe, read_image
from latentseg_gui.io.images.thumbnails import thumbnail
from latentseg_gui.io.regular_files import (
    NotRegularError,
    TooLongError,
    open_regular,
    read_regular,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")


def strange(folder, kind):
    path = folder / f"{kind}.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        # The name of a socket is short, wherever the folder is.
        here = os.open(folder, os.O_RDONLY)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"/proc/self/fd/{here}/{path.name}")
        listener.close()
        os.close(here)
    return path


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "link to a device", "folder", "socket"])
def test_what_is_no_file_is_refused_at_once_and_in_words(tmp_path, kind):
    path = strange(tmp_path, kind)
    with pytest.raises(OSError, match=r"pipe|folder|directory|No such device"):
        open_regular(path)
    for read in (read_image, probe, thumbnail):
        with pytest.raises(ImageError, match="cannot be opened"):
            read(path)


def test_a_pipe_that_is_written_to_is_refused_as_well(tmp_path):
    path = strange(tmp_path, "pipe")
    writer = os.open(path, os.O_RDWR)
    os.write(writer, b"\x89PNG\r\n\x1a\n")
    with pytest.raises(NotRegularError):
        open_regular(path)
    os.close(writer)


def test_names_that_no_file_has_and_files_that_are_not_there_are_errors_of_the_system(tmp_path):
    with pytest.raises(OSError, match="name"):
        open_regular(tmp_path / "a\0b")
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "gone")


def test_a_file_reads_as_it_is_up_to_its_limit(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(TooLongError, match="more than 4 bytes"):
        read_regular(path, 4)


def test_a_descriptor_is_not_left_open_by_a_refusal(tmp_path):
    path = strange(tmp_path, "pipe")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        with pytest.raises(NotRegularError):
            open_regular(path)
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after == before
