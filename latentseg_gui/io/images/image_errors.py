"""What can be wrong with an image, in words for the user."""

from __future__ import annotations

from pathlib import Path

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.paths import shown


class ImageError(LatentsegError):
    """A file that cannot be shown as an image. Nothing else is raised by the readers."""


class ImageTooLargeError(ImageError):
    """Reading would take more memory than was allowed; it was refused before any was taken.

    Attributes:
        needed: about how many bytes reading takes.
        budget: how many were allowed.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], needed: int, budget: int, *, action: str | None = None
    ) -> None:
        super().__init__(
            f"“{shown(path.name)}” is {size[0]} x {size[1]} pixels; opening it takes about "
            f"{needed / 2**30:.1f} GB of memory, more than the limit of {budget / 2**30:.1f} GB.",
            action=action or "Make it smaller, or cut it into parts, with another program first.",
        )
        self.needed = needed
        self.budget = budget


def damaged_image(path: Path, error: BaseException) -> ImageError:
    """For a file that is an image but cannot be decoded."""
    return ImageError(
        f"“{shown(path.name)}” cannot be read as an image: the file is damaged or incomplete.",
        action="Get a new copy of the file, or save it again with another program.",
        detail=f"{shown(path)}: {error!r}",
    )


def unknown_format(path: Path, detail: str = "") -> ImageError:
    """For a file of another kind, whatever its name ends in."""
    return ImageError(
        f"“{shown(path.name)}” is not an image of a kind that can be opened.",
        action="Convert it to PNG, JPEG, TIFF, BMP, GIF, WebP, AVIF, JPEG 2000 or PNM.",
        detail=f"{shown(path)}: {detail}",
    )


def unsupported(path: Path, what: str, action: str) -> ImageError:
    """For a sound file that holds what cannot be shown; ``what`` follows "the file"."""
    return ImageError(
        f"“{shown(path.name)}” cannot be shown: the file {what}.", action=action, detail=shown(path)
    )


def out_of_memory(path: Path, error: BaseException) -> ImageError:
    """For an image that was allowed but did not fit."""
    return ImageError(
        f"There is not enough memory to open “{shown(path.name)}”.",
        action="Close other programs, or make the image smaller.",
        detail=f"{shown(path)}: {error!r}",
    )


def unreadable(path: Path, error: OSError) -> ImageError:
    """For a file that the system does not hand out."""
    if isinstance(error, FileNotFoundError):
        return ImageError(
            f"“{shown(path.name)}” is not there any more.",
            action="Bring it back, or take it off the list.",
            detail=f"{shown(path)}: {error!r}",
        )
    return ImageError(
        f"“{shown(path.name)}” cannot be opened: {error.strerror or 'the system refused it'}.",
        action="Check that you may read it, and that the disk is connected.",
        detail=f"{shown(path)}: {error!r}",
    )
