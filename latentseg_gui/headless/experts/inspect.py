"""`latentseg inspect`: what the experts see in images, as maps, tables and figures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.experts.experts import ExpertPatch, strongest
from latentseg_gui.headless.experts.attention import inspect_all, place
from latentseg_gui.headless.subcommand import (
    Failures,
    add_model_arguments,
    add_output_arguments,
    announced,
    classes_of,
    find_images,
    ledger_of,
    open_predictor,
    output_stems,
    read_in_time,
    require_inputs,
)
from latentseg_gui.io.experts.expert_files import (
    FILE_NAMES,
    ExpertReport,
    InfluenceLine,
    csv_bytes,
    write_report,
)
from latentseg_gui.io.experts.figures import matrix
from latentseg_gui.io.experts.patch_files import FILE_NAMES as PATCH_FILES
from latentseg_gui.io.experts.patch_files import write_patches
from latentseg_gui.io.ledger import Ledger
from model.analysis.attention import reduce_heads

if TYPE_CHECKING:
    from model.prediction.predictor import Predictor


_FOR_ALL = ("affinity.png", "affinity.svg", "affinity.csv")

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Names:
    """Of experts and classes, in order, and what was noted on experts."""

    experts: tuple[str, ...]
    classes: tuple[str, ...]
    notes: dict[int, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    add_output_arguments(parser)
    parser.add_argument("--heads", default="mean", help="mean, max, or the number of a head (default: mean)")
    parser.add_argument(
        "--at",
        type=place,
        metavar="X,Y",
        help="of networks with attention between places: the pixel whose attention is shown (default: the middle)",
    )
    add_model_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Write maps, tables and figures for every image, each into a folder of its own."""
    from latentseg_gui.inference.experts.attention import notes_in
    from latentseg_gui.inference.experts.patches import patches_of

    require_inputs(options)
    images = find_images(options.images, options.output)
    predictor, meta = open_predictor(options)
    if predictor.num_experts == 0:
        return inspect_all(options, images, predictor)
    ledger, stems = ledger_of(options), output_stems(images)
    ledger.check(_targets(options.output, list(stems.values())))
    names = Names(
        tuple(meta.expert_names.get(k, f"expert {k}") for k in range(predictor.num_experts)),
        tuple(entry.name for entry in classes_of(meta, predictor.num_classes)),
        notes_in(meta.provenance),
    )
    failures, sums = Failures(), []
    patches: tuple[tuple[ExpertPatch, ...], ...] = ()
    for path in announced(images):
        with failures.caught(path):
            predictor.set_image(read_in_time(path).pixels, for_clicks=False)
            report, findings = inspect(predictor, options.heads, names)
            write_report(options.output / stems[path], report, ledger)
            sums.append(report.affinity * report.mass[:, None])
            mix = reduce_heads(report.mix)
            patches = strongest(patches, patches_of(mix, predictor.encoding.pixels, stems[path], ""))
            for line in findings:
                print(f"  {line}")
    if patches:
        write_patches(options.output, patches, names.experts, ledger)
    if len(sums) > 1:
        write_folder_affinity(options.output, np.sum(sums, axis=0), names, len(sums), ledger)
    return failures.exit_code()


def _targets(folder: Path, stems: Sequence[str]) -> list[Path]:
    """Where files will be, as far as that is known beforehand."""
    inside = [folder / stem / name for stem in stems for name in FILE_NAMES]
    for_all = (*PATCH_FILES, *(_FOR_ALL if len(stems) > 1 else ()))
    return inside + [folder / name for name in for_all]


def inspect(predictor: Predictor, heads: str, names: Names) -> tuple[ExpertReport, Sequence[str]]:
    """Everything on the experts on the predictor's present image, and what is odd; it does not encode again."""
    from model.analysis import inspection

    attention, vectors = predictor.attention(), predictor.expert_vectors()
    choice: Any = int(heads) if heads.isdecimal() else heads
    mean_mix = inspection.reduce_heads(attention.mix)
    shown_look = inspection.reduce_heads(attention.look, choice)
    shown_mix = inspection.reduce_heads(attention.mix, choice)
    overlap, cosine = inspection.map_overlap(mean_mix), inspection.vector_similarity(vectors)
    labels = predictor.predict_classes().labels
    at_tokens = inspection.labels_at_tokens(labels, mean_mix.shape[1:], attention.stride)
    influence = inspection.influence_table(predictor.predict_overview, predictor.num_experts)
    report = ExpertReport(
        look=attention.look,
        mix=attention.mix,
        shown_look=shown_look,
        shown_mix=shown_mix,
        shape=attention.shape,
        stride=attention.stride,
        experts=names.experts,
        classes=names.classes,
        affinity=inspection.class_affinity(mean_mix, at_tokens, predictor.num_classes),
        cosine=cosine,
        overlap=overlap,
        order=tuple(inspection.cluster_order((cosine + overlap) / 2)),
        mass=inspection.mass(shown_mix),
        spread=inspection.look_entropy(shown_look),
        entropy=inspection.mix_entropy(shown_mix),
        influence=tuple(InfluenceLine(r.experts[0], r.changed, r.confidence, r.area) for r in influence),
        notes=names.notes,
        how={"mean": "Mean of the heads.", "max": "Maximum of the heads."}.get(heads, f"Head {heads}."),
    )
    findings = inspection.examine(mean_mix, vectors)
    return report, findings.sentences(lambda index: names.experts[index])


def write_folder_affinity(folder: Path, sums: Floats, names: Names, images: int, ledger: Ledger) -> None:
    """Experts against classes over all images, from sums [K, C] of what was explained."""
    total = sums.sum(axis=1, keepdims=True)
    shares = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
    caption = f"How what each expert explains divides among the classes over {images} images; rows sum to 1."
    figure = matrix(shares, names.experts, names.classes, caption, unit="share")
    rows = [[k, name, *(f"{value:.6f}" for value in shares[k])] for k, name in enumerate(names.experts)]
    ledger.write(folder / "affinity.png", figure.png())
    ledger.write(folder / "affinity.svg", figure.svg())
    header = ["expert", "name", *(f"affinity_{each}" for each in names.classes)]
    ledger.write(folder / "affinity.csv", csv_bytes(header, rows))
