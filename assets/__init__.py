"""Files that ship with the package: default weights, icons, sample images. Reached through `asset_path`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def asset_path(*parts: str) -> Path:
    """The path of a shipped file, such as ``asset_path("weights", "default.safetensors")``.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    path = Path(str(resources.files(__package__))).joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(
            f"{'/'.join(parts)} is missing from the installation of latentseg: install it again"
        )
    return path
