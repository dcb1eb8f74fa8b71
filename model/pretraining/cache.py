"""Pictures and masks of many sets, decoded once into two flat arrays that crops are cut from.

A set is a folder with `images/`, `masks/` and `meta.json` whose `kind` is "regions" (numbered region maps,
`NAME_k.png`), "instances" (object ids, 0 = rest) or "semantic" (class ids). Sets for choosing and measuring
(kind "clicks", names ending in `_val` or beginning with `fewshot_`) are never read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.errors import ModelError

KINDS = ("regions", "instances", "semantic")
IGNORED = 255


@dataclass(frozen=True, slots=True)
class Item:
    """One picture in the cache: where its pixels and its maps begin."""

    source: str
    height: int
    width: int
    pixels: int
    maps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One set.

    Attributes:
        name: of the folder.
        kind: one of `KINDS`.
        ignored: value of pixels without a label, or -1.
        foreground: class ids that count as foreground; empty: all but 0; None: the set does not say.
        num_classes: for sets of kind "semantic", else 0.
        has_rest: id 0 is what nobody named, nothing to be clicked.
    """

    name: str
    kind: str
    ignored: int
    foreground: tuple[int, ...] | None
    num_classes: int
    has_rest: bool = False


# What counts as foreground ("people and things") where a set's own meta.json does not say.
_FOREGROUND: dict[str, tuple[int, ...] | None] = {
    "human": (1,),
    "ccp": (),
    "facade": (2,),
    "camvid_train": (8, 9, 10),
}


_REST = ("background", "unlabelled")
HELD_OUT = 20
"""Every so manieth picture of a set is left out, to measure on."""


def _is_for_training(meta: dict[str, object], name: str) -> bool:
    return meta.get("kind") in KINDS and not name.endswith("_val") and not name.startswith("fewshot_")


def find_sources(data: Path) -> list[tuple[Path, Source]]:
    """Folders under ``data`` that may be trained on, in order of name.

    Raises:
        ModelError: there is none.
    """
    found = []
    for path in sorted(data.glob("*/meta.json")):
        meta = json.loads(path.read_text(encoding="utf-8"))
        name, folder = path.parent.name, path.parent
        if not _is_for_training(meta, name):
            continue
        kind = str(meta["kind"])
        foreground = meta.get("foreground", _FOREGROUND.get(name, () if kind == "instances" else None))
        classes = meta.get("classes")
        num_classes = len(classes) if isinstance(classes, list) else 64
        source = Source(
            name=name,
            kind=kind,
            ignored=int(meta.get("ignore", -1)),
            foreground=None if foreground is None else tuple(foreground),
            num_classes=num_classes if kind == "semantic" else 0,
            has_rest=kind == "instances" or not isinstance(classes, list) or classes[0] in _REST,
        )
        found.append((folder, source))
    if not found:
        raise ModelError(
            f'There is nothing to train on in "{data}".',
            action="Each set needs a folder with images/, masks/ and meta.json.",
        )
    return found


def _mask_paths(folder: Path, source: Source, stem: str) -> list[Path]:
    masks = folder / "masks"
    if source.kind == "regions":
        return sorted(masks.glob(f"{stem}_*.png"))
    path = masks / f"{stem}.png"
    return [path] if path.is_file() else []


def _read(folder: Path, source: Source) -> Iterator[tuple[NDArray[np.uint8], list[NDArray[np.uint16]]]]:
    for number, path in enumerate(sorted((folder / "images").iterdir()), 1):
        if number % HELD_OUT == 0:
            continue
        mask_paths = _mask_paths(folder, source, path.stem)
        if not mask_paths:
            continue
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        maps = []
        for mask_path in mask_paths:
            with Image.open(mask_path) as mask:
                ids = np.asarray(mask).astype(np.uint16)
            if ids.shape == pixels.shape[:2]:
                maps.append(ids)
        if maps:
            yield pixels, maps


def build(data: Path, cache: Path) -> None:
    """Decode everything under ``data`` into ``cache`` (pixels.bin, maps.bin, index.json)."""
    cache.mkdir(parents=True, exist_ok=True)
    items: list[Item] = []
    sources = find_sources(data)
    with (cache / "pixels.bin").open("wb") as pixel_file, (cache / "maps.bin").open("wb") as map_file:
        for folder, source in sources:
            for pixels, maps in _read(folder, source):
                starts = []
                at = pixel_file.tell()
                pixel_file.write(pixels.tobytes())
                for ids in maps:
                    starts.append(map_file.tell() // 2)
                    map_file.write(ids.tobytes())
                height, width = pixels.shape[:2]
                items.append(Item(source.name, height, width, at, tuple(starts)))
    index = {
        "data": str(data.resolve()),
        "sources": [asdict(s) for _, s in sources],
        "items": [asdict(i) for i in items],
    }
    (cache / "index.json").write_text(json.dumps(index), encoding="utf-8")


class Cache:
    """Read access to what `build` wrote; arrays are mapped, not loaded."""

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.sources = {
            s["name"]: Source(
                **{**s, "foreground": None if s["foreground"] is None else tuple(s["foreground"])}
            )
            for s in index["sources"]
        }
        self.items = [Item(**{**i, "maps": tuple(i["maps"])}) for i in index["items"]]
        self._pixels = np.memmap(folder / "pixels.bin", np.uint8, "r")
        self._maps = np.memmap(folder / "maps.bin", np.uint16, "r")

    @classmethod
    def open(cls, data: Path, folder: Path) -> Cache:
        """Open the cache of ``data``, building it first when it is not there."""
        index = folder / "index.json"
        if not index.is_file() or json.loads(index.read_text(encoding="utf-8"))["data"] != str(
            data.resolve()
        ):
            build(data, folder)
        return cls(folder)

    def pixels(self, item: Item) -> NDArray[np.uint8]:
        """RGB [H, W, 3]."""
        size = item.height * item.width * 3
        return self._pixels[item.pixels : item.pixels + size].reshape(item.height, item.width, 3)

    def ids(self, item: Item, which: int) -> NDArray[np.uint16]:
        """Map number ``which``, [H, W]."""
        start = item.maps[which]
        return self._maps[start : start + item.height * item.width].reshape(item.height, item.width)

    def semantic_offsets(self) -> dict[str, int]:
        """First label of every semantic set when the classes of all are numbered through."""
        offsets, start = {}, 0
        for name, source in self.sources.items():
            if source.num_classes:
                offsets[name] = start
                start += source.num_classes
        return offsets
