"""The sample images that come inside: photographs in the public domain or under CC0, carried by scikit-image."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """A shipped picture: its file name inside scikit-image's data folder, what it shows, where it is from."""

    file_name: str
    title: str
    origin: str


SAMPLES: tuple[Sample, ...] = (
    Sample("astronaut.png", "Astronaut", "NASA, public domain"),
    Sample("chelsea.png", "Cat", "Stéfan van der Walt, CC0"),
    Sample("coffee.png", "Coffee", "Rachel Michetti, CC0"),
    Sample("ihc.png", "Stained tissue", "no known copyright restrictions, as carried by scikit-image"),
    Sample("coins.png", "Coins", "Brooklyn Museum, no known restrictions"),
    Sample("rocket.jpg", "Rocket", "SpaceX, public domain"),
)


def sample_paths() -> list[Path]:
    """The files of the samples that this installation has."""
    folder = Path(str(resources.files("skimage").joinpath("data")))
    return [folder / sample.file_name for sample in SAMPLES if (folder / sample.file_name).exists()]


def title_of(path: Path) -> str:
    """What a sample shows; the file's own name for anything else."""
    titles = {sample.file_name: sample.title for sample in SAMPLES}
    return titles.get(path.name, path.name)
