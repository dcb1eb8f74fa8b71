"""`latentseg inspect`: what the experts see in an image, as maps, tables and figures."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.headless.common import (
    Failures,
    add_model_arguments,
    classes_of,
    find_images,
    numbered,
    open_predictor,
    output_stems,
)
from latentseg_gui.headless.figures import categories, gallery, matrix, single
from latentseg_gui.io.images import read_image
from latentseg_gui.io.storage import atomic_write, make_folder

if TYPE_CHECKING:
    from model.answers import Attention
    from model.inspection import Influence
    from model.predictor import Predictor


Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Names:
    """Of experts and classes, in order."""

    experts: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Inspected:
    """All that is known of the experts on one image."""

    attention: Attention
    look: Floats
    mix: Floats
    affinity: Floats
    overlap: Floats
    influence: Sequence[Influence]
    findings: Sequence[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--heads", default="mean", help="mean, max, or the number of a head (default: mean)")
    add_model_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Write maps, tables and figures for every image, each into a folder of its own."""
    images = find_images(options.images)
    predictor, meta = open_predictor(options)
    names = Names(
        tuple(meta.expert_names.get(k, f"expert {k}") for k in range(predictor.num_experts)),
        tuple(entry.name for entry in classes_of(meta, predictor.num_classes)),
    )
    failures, stems = Failures(), output_stems(images)
    for path in numbered(images):
        with failures.caught():
            predictor.set_image(read_image(path).pixels)
            inspected = inspect(predictor, options.heads, names)
            write_all(options.output / stems[path], inspected, names)
            for line in inspected.findings:
                print(f"  {line}")
    return failures.exit_code()


def inspect(predictor: Predictor, heads: str, names: Names) -> Inspected:
    """Ask the predictor everything about the experts on its present image; it does not encode again."""
    from model import inspection

    attention = predictor.attention()
    choice: Any = int(heads) if heads.isdecimal() else heads
    look = inspection.reduce_heads(attention.look, choice)
    mix = inspection.reduce_heads(attention.mix, choice)
    mean_mix = inspection.reduce_heads(attention.mix)
    findings = inspection.examine(mean_mix, predictor.expert_vectors())
    return Inspected(
        attention=attention,
        look=look,
        mix=mix,
        affinity=inspection.class_affinity(mean_mix, predictor.predict_overview()),
        overlap=inspection.map_overlap(mean_mix),
        influence=inspection.influence_table(predictor.predict_overview, predictor.num_experts),
        findings=findings.sentences(lambda index: names.experts[index]),
    )


def write_all(folder: Path, inspected: Inspected, names: Names) -> None:
    """Write every file of one image."""
    make_folder(folder)
    for name, make in files(inspected, names).items():
        atomic_write(folder / name, make())


def files(found: Inspected, names: Names) -> dict[str, Callable[[], bytes]]:
    """What is written, by file name."""
    from model.inspection import cluster_order, mix_entropy, territory

    order = cluster_order(found.overlap)
    ordered = [names.experts[k] for k in order]
    return {
        "maps.npz": lambda: _npz(found),
        "influence.csv": lambda: _influence_csv(found.influence, names),
        "experts.csv": lambda: _experts_csv(found, names),
        "look.png": lambda: gallery(
            found.look,
            names.experts,
            "Where each expert looks. All in one range, so that wide and faint maps look faint.",
            unit="share of look",
        ),
        "mix.png": lambda: gallery(
            found.mix,
            names.experts,
            "Which pixels draw on each expert. All in one range; at every pixel the experts sum to 1.",
            unit="share of mix",
        ),
        "territory.png": lambda: categories(
            territory(found.mix), names.experts, "The expert that each pixel draws on most."
        ),
        "mix_entropy.png": lambda: single(
            mix_entropy(found.mix),
            "How undecided each pixel is between experts: 0 for one expert, 1 for all alike.",
            unit="entropy",
            high=1.0,
        ),
        "affinity.png": lambda: matrix(
            found.affinity,
            names.experts,
            names.classes,
            "How what each expert explains divides among the classes; rows sum to 1.",
            unit="share",
        ),
        "similarity.png": lambda: matrix(
            found.overlap[np.ix_(order, order)],
            ordered,
            ordered,
            "Overlap of what two experts explain, similar experts side by side.",
            unit="overlap",
        ),
    }


def _npz(found: Inspected) -> bytes:
    from model.inspection import mix_entropy, territory

    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        look=found.attention.look,
        mix=found.attention.mix,
        territory=territory(found.mix),
        mix_entropy=mix_entropy(found.mix),
        image_shape=np.array(found.attention.shape),
        stride=np.array(found.attention.stride),
    )
    return stream.getvalue()


def _influence_csv(rows: Sequence[Influence], names: Names) -> bytes:
    header = [
        "rank",
        "expert",
        "name",
        "changed_pixels",
        "confidence_change",
        *(f"area_change_{c}" for c in names.classes),
    ]
    table = [
        [
            rank,
            row.experts[0],
            names.experts[row.experts[0]],
            f"{row.changed:.6f}",
            f"{row.confidence:.6f}",
            *(f"{area:.6f}" for area in row.area),
        ]
        for rank, row in enumerate(rows, start=1)
    ]
    return _csv(header, table)


def _experts_csv(found: Inspected, names: Names) -> bytes:
    from model.inspection import look_entropy, mass

    header = ["expert", "name", "mass", "look_entropy", *(f"affinity_{c}" for c in names.classes)]
    shares, spread = mass(found.mix), look_entropy(found.look)
    table = [
        [k, name, f"{shares[k]:.6f}", f"{spread[k]:.6f}", *(f"{value:.6f}" for value in found.affinity[k])]
        for k, name in enumerate(names.experts)
    ]
    return _csv(header, table)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8")
