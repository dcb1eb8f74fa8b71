"""Makes the figures and the measured tables of ``model/EXPERTS.md``: ``python -m tests.figures.expert_gallery``."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image

from latentseg_gui.headless.experts.inspect import Names, inspect
from latentseg_gui.io.experts.expert_files import ExpertReport, figures_of
from model.analysis.inspection import compare
from model.prediction.predictor import Predictor
from model.weights.checkpoint import default_weights_path, load

ROOT = Path(__file__).parents[2]
FIGURES, TEXT = ROOT / "assets" / "figures", ROOT / "model" / "EXPERTS.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PICTURES = {"astronaut": "astronaut", "chelsea": "cat", "coffee": "coffee"}
SHOWN = ("look", "mix_each", "territory")
COLOURS = 160


def main() -> None:
    """Writes figures and tables for the shipped weights, or for ``--weights``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(2)
    network, meta = load(options.weights or default_weights_path())
    predictor = Predictor(network, "cpu")
    experts = tuple(meta.expert_names.get(k, f"expert {k}") for k in range(predictor.num_experts))
    names = Names(experts, meta.class_names, {})
    FIGURES.mkdir(parents=True, exist_ok=True)
    parts = []
    for source, name in PICTURES.items():
        predictor.set_image(np.ascontiguousarray(getattr(skimage.data, source)()))
        report, findings = inspect(predictor, "mean", names)
        for kind in SHOWN:
            write_small(FIGURES / f"experts-{name}-{kind}.png", figures_of(report)[kind].png())
        parts.append(section(name, report, list(findings), without_heads(predictor)))
    head, _, rest = TEXT.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    TEXT.write_text(f"{head}{BEGIN}\n\n" + "\n".join(parts) + f"\n{END}{tail}", encoding="utf-8")
    print(sum(path.stat().st_size for path in FIGURES.glob("experts-*.png")), "bytes of figures")


def write_small(path: Path, png: bytes) -> None:
    """The figure at 3/4 of its size in few colours."""
    with Image.open(io.BytesIO(png)) as figure:
        size = (figure.width * 3 // 4, figure.height * 3 // 4)
        small = figure.resize(size, Image.Resampling.LANCZOS)
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def without_heads(predictor: Predictor) -> list[str]:
    """The share of pixels that change without each attention head."""
    before = predictor.predict_overview()
    after = (predictor.predict_overview(heads_off=[head]) for head in range(predictor.num_heads))
    changes = [compare(before, probabilities, ()).changed for probabilities in after]
    return [f"head {head + 1}: {changed:.2%}" for head, changed in enumerate(changes)]


def section(name: str, report: ExpertReport, findings: list[str], heads: list[str]) -> str:
    """The figures of one picture and what was measured on it."""
    lines = [f"### {name.capitalize()}", ""]
    lines += [f"![{kind}](../assets/figures/experts-{name}-{kind}.png)" for kind in SHOWN]
    focus = report.spread.argsort()[:3]
    vectors = report.cosine if report.cosine is not None else np.eye(len(report.experts))
    alike = np.abs(vectors - np.eye(len(vectors))).max()
    low, high = np.percentile(report.shown_mix, (0.5, 99.5))
    lines += [
        "",
        "| measured | |",
        "| --- | --- |",
        f"| most of the picture | {report.experts[int(report.mass.argmax())]}: {report.mass.max():.1%} "
        f"(an even share is {1 / len(report.mass):.1%}) |",
        f"| narrowest look | {', '.join(f'{report.experts[int(k)]} ({report.spread[k]:.2f})' for k in focus)} |",
        f"| mix, the middle 99 % of all shares | {low:.1%} to {high:.1%} |",
        f"| indecision, mean | {report.entropy.mean():.3f} |",
        f"| largest cosine between two experts | {alike:.2f} |",
        f"| idle or doubled | {' '.join(findings) or 'none'} |",
    ]
    lines.append(f"| without one head of all experts | {'; '.join(heads)} of the pixels change |")
    for line in report.influence[:3]:
        text = f"{line.changed:.2%} of the pixels change, confidence {line.confidence * 100:+.2f} points"
        lines.append(f"| without {report.experts[line.expert]} | {text} |")
    weakest = report.influence[-1]
    lines.append(f"| least missed | {report.experts[weakest.expert]}: {weakest.changed:.2%} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
