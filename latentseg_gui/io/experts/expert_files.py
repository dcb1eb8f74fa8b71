"""What is known of the experts of an image, as files: figures, maps and tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from latentseg_gui.io.experts.figures import categories, gallery, matrix, single
from latentseg_gui.io.experts.sheet import Sheet
from latentseg_gui.io.ledger import Ledger

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class InfluenceLine:
    """What changes without one expert: share of pixels, mean confidence, share of the image by class."""

    expert: int
    changed: float
    confidence: float
    area: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ExpertReport:
    """Everything that is written. K experts, C classes, (h, w) tokens.

    Attributes:
        look, mix: as computed, [heads, K, h, w].
        shown_look, shown_mix: as shown, one map per expert, [K, h, w].
        shape: (rows, columns) of the image.
        stride: pixels of the image per token.
        affinity: [K, C], rows summing to 1; C is 0 where no classes are known.
        cosine, overlap: [K, K]; None where experts were not compared.
        order: of experts, similar ones side by side.
        mass, spread, entropy: share explained [K], width of look [K], indecision [h, w].
        influence: strongest first; empty where it was not measured.
        notes: what the user wrote, by expert.
        how: one sentence on heads, for captions.
    """

    look: Floats
    mix: Floats
    shown_look: Floats
    shown_mix: Floats
    shape: tuple[int, int]
    stride: float
    experts: tuple[str, ...]
    classes: tuple[str, ...]
    affinity: Floats
    cosine: Floats | None
    overlap: Floats | None
    order: tuple[int, ...]
    mass: Floats
    spread: Floats
    entropy: Floats
    influence: tuple[InfluenceLine, ...] = ()
    notes: dict[int, str] = field(default_factory=dict)
    how: str = "Mean of the heads."

    @property
    def territory(self) -> NDArray[np.uint16]:
        """The expert that each token draws on most, [h, w]."""
        return np.asarray(self.shown_mix.argmax(0), dtype=np.uint16)


_FIGURES: Final = (
    *("look", "look_each", "mix", "mix_each", "territory", "mix_entropy"),
    *("affinity", "similarity", "similarity_vectors"),
)
FILE_NAMES: Final = (
    *("maps.npz", "look.tiff", "mix.tiff", "experts.csv", "influence.csv"),
    *(f"{name}.{ending}" for name in _FIGURES for ending in ("png", "svg")),
)
"""Every file that a report can have."""


def write_report(folder: Path, report: ExpertReport, ledger: Ledger) -> list[str]:
    """Writes every file into ``folder``; their names.

    Raises:
        ForeignFileError: if one of them would replace a file that is not ours; nothing is written.
        StorageError: if one cannot be written.
    """
    made = files_of(report)
    ledger.check(folder / name for name in made)
    for name, make in made.items():
        ledger.write(folder / name, make())
    return list(made)


def files_of(report: ExpertReport) -> dict[str, Callable[[], bytes]]:
    """What is written, by file name."""
    files: dict[str, Callable[[], bytes]] = {
        "maps.npz": partial(_npz, report),
        "look.tiff": partial(_tiff, report.shown_look),
        "mix.tiff": partial(_tiff, report.shown_mix),
        "experts.csv": partial(_experts_csv, report),
    }
    if report.influence:
        files["influence.csv"] = partial(_influence_csv, report)
    for name, figure in figures_of(report).items():
        files[f"{name}.png"], files[f"{name}.svg"] = figure.png, figure.svg
    return files


def figures_of(report: ExpertReport) -> dict[str, Sheet]:
    """Every figure by name, each with colour bar and caption."""
    places = report.shown_look.shape[1] * report.shown_look.shape[2]
    figures = {
        **_galleries(
            "look",
            report.shown_look * places,
            report,
            f"Where each expert looks, in multiples of an even spread. {report.how}",
            "times the mean",
        ),
        **_galleries(
            "mix",
            report.shown_mix * 100,
            report,
            f"Which pixels draw on each expert. {report.how} At every pixel the experts sum to 100 %.",
            "% of the pixel",
        ),
        "territory": categories(
            report.territory, report.experts, f"The expert that each pixel draws on most. {report.how}"
        ),
        "mix_entropy": single(
            report.entropy,
            "How undecided each pixel is between experts: 0 for one expert, 1 for all alike.",
            unit="entropy",
            high=1.0,
            low=min(float(np.floor(report.entropy.min() * 50) / 50), 0.98),
        ),
    }
    if report.affinity.size:
        caption = "How what each expert explains divides among the classes; rows sum to 1."
        figures["affinity"] = matrix(report.affinity, report.experts, report.classes, caption, unit="share")
    for name, values, caption in (
        ("similarity", report.overlap, "Overlap of what two experts explain"),
        ("similarity_vectors", report.cosine, "Cosine of the vectors of two experts; below 0 as 0"),
    ):
        if values is not None:
            figures[name] = _ordered(values, report, caption)
    return figures


def _galleries(name: str, maps: Floats, report: ExpertReport, caption: str, unit: str) -> dict[str, Sheet]:
    """All experts in one range, so that they can be compared; and each in its own, so that structure shows."""
    shared = f"{caption} One range for all: the middle 99 % of the values."
    own = f"{caption} Each in its own range, the middle 99 % of its values, which stands above it."
    return {
        name: gallery(maps, report.experts, shared, unit=unit),
        f"{name}_each": gallery(maps, report.experts, own, unit=unit, is_shared=False),
    }


def _ordered(values: Floats, report: ExpertReport, caption: str) -> Sheet:
    order = list(report.order)
    names = [report.experts[each] for each in order]
    told = f"{caption}, similar experts side by side."
    return matrix(values[np.ix_(order, order)], names, names, told, unit="similarity")


def _npz(report: ExpertReport) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        look=report.look,
        mix=report.mix,
        territory=report.territory,
        mix_entropy=report.entropy,
        image_shape=np.array(report.shape),
        stride=np.array(report.stride),
    )
    return buffer.getvalue()


def _tiff(maps: Floats) -> bytes:
    """One page per expert, float32."""
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, np.asarray(maps, np.float32), photometric="minisblack", compression="zlib", software=False
    )
    return buffer.getvalue()


def _influence_csv(report: ExpertReport) -> bytes:
    areas = [f"area_change_{name}" for name in report.classes]
    header = ["rank", "expert", "name", "changed_pixels", "confidence_change", *areas]
    rows = [
        [
            rank,
            line.expert,
            report.experts[line.expert],
            *(f"{value:.6f}" for value in (line.changed, line.confidence, *line.area)),
        ]
        for rank, line in enumerate(report.influence, start=1)
    ]
    return csv_bytes(header, rows)


def _experts_csv(report: ExpertReport) -> bytes:
    classes = report.classes if report.affinity.size else ()
    header = ["expert", "name", "note", "mass", "look_entropy", *(f"affinity_{c}" for c in classes)]
    table = [
        [
            k,
            name,
            report.notes.get(k, ""),
            *(f"{value:.6f}" for value in (report.mass[k], report.spread[k], *report.affinity[k])),
        ]
        for k, name in enumerate(report.experts)
    ]
    return csv_bytes(header, table)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A table in UTF-8."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode("utf-8")
