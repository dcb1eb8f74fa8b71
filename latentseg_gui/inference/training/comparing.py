"""A comparison of networks for the window: reports while they learn, a table and files of weights at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from latentseg_gui.document.training.compared_networks import (
    NetworkOutcome,
    NetworkProgress,
    NetworksCompared,
)
from latentseg_gui.inference.request import JobContext
from latentseg_gui.inference.training.messages import CompareNetworks
from latentseg_gui.inference.training.training import REPORT_EVERY_S, config_of, labelled_image
from model.training.compare import Comparison, Report, Row
from model.weights.checkpoint import CheckpointMeta, save


def compare_networks(request: CompareNetworks, context: JobContext) -> NetworksCompared | None:
    """Let the networks learn and measure them; None where the job was cancelled, of which no file is left.

    Raises:
        ModelError: there is nothing to learn from or to measure with, or no such network.
    """
    samples = [
        labelled_image(each, is_rest_background=request.is_rest_background) for each in request.samples
    ]
    config = config_of(request.settings, len(request.class_names))
    config = replace(config, seconds=request.seconds, speed="thorough")
    comparison = Comparison(request.networks, samples, config)
    if not _follow(comparison, context):
        return None
    written = _save(comparison.rows, request, context)
    return None if written is None else NetworksCompared(written, comparison.measured_on)


def _follow(comparison: Comparison, context: JobContext) -> bool:
    """Let every network learn; False if the job was cancelled."""
    reported, done = 0.0, -1
    for report in comparison:
        if context.is_cancelled():
            return False
        now = time.monotonic()
        is_news = len(comparison.rows) != done or report.progress is None
        if is_news or now - reported >= REPORT_EVERY_S:
            context.report(_progress_of(report, comparison.rows))
            reported, done = now, len(comparison.rows)
    return not context.is_cancelled()


def _progress_of(report: Report, rows: Sequence[Row]) -> NetworkProgress:
    learned = 1.0 if report.progress is None else min(max(report.progress.fraction, 0.0), 1.0)
    return NetworkProgress(
        title=report.offer.title,
        number=report.number,
        count=report.count,
        phase="measuring" if report.progress is None else report.progress.phase,
        fraction=(report.number - 1 + learned) / report.count,
        outcomes=tuple(_outcome(row, None) for row in rows),
    )


def _save(
    rows: Sequence[Row], request: CompareNetworks, context: JobContext
) -> tuple[NetworkOutcome, ...] | None:
    """Write the weights of every network; None, and no file, if the job was cancelled meanwhile."""
    outcomes: list[NetworkOutcome] = []
    for row in rows:
        path = (
            None if row.network is None else request.folder / f"{request.prefix}{row.offer.name}.safetensors"
        )
        outcomes.append(_outcome(row, path))
        if path is not None and row.network is not None:
            meta = CheckpointMeta(
                request.class_names,
                request.class_colours,
                provenance=row.provenance or {},
                smallest=request.smallest,
            )
            save(path, row.network, meta)
        if context.is_cancelled():
            for each in outcomes:
                if each.weights is not None:
                    each.weights.unlink(missing_ok=True)
            return None
    return tuple(outcomes)


def _outcome(row: Row, weights: Path | None) -> NetworkOutcome:
    return NetworkOutcome(
        name=row.offer.name,
        title=row.offer.title,
        mean_iou=row.mean_iou,
        per_class=row.per_class,
        seconds=row.seconds,
        parameters=row.parameters,
        note=row.note,
        weights=weights,
    )
