"""Clicks learn for the window: accepted objects in, reports while it runs, a file of weights if they got better."""

from __future__ import annotations

from latentseg_gui.document.training.runs import ClicksLearned
from latentseg_gui.inference.request import JobContext
from latentseg_gui.inference.training.click_request import LearnClicks
from latentseg_gui.inference.training.training import follow, labelled_image
from model.training.click_tuning import ClickTuneConfig, finetune_clicks, in_words
from model.training.provenance import after_clicks
from model.weights.catalogue import start_of
from model.weights.checkpoint import CheckpointMeta, save


def learn_clicks(request: LearnClicks, context: JobContext) -> ClicksLearned | None:
    """Answer one `LearnClicks`; None, and no file, where the job was cancelled.

    Raises:
        ModelError: there are too few objects, or the network does not answer clicks.
    """
    start = start_of("", request.weights)
    samples = [labelled_image(each) for each in request.samples]
    job = finetune_clicks(start.network, samples, ClickTuneConfig(seconds=request.seconds))
    if not follow(job, context):
        return None
    if job.is_better:
        more: dict[str, object] = {"version": request.version, "started_from": start.name}
        provenance = after_clicks(start.meta.provenance, job, images=len(samples), **more)
        meta = start.meta
        details = CheckpointMeta(meta.class_names, meta.class_colours, meta.expert_names, provenance)
        save(request.output, job.network, details)
    return ClicksLearned(
        weights=request.output,
        version=request.version,
        is_better=job.is_better,
        seconds=job.seconds,
        words=in_words(job),
        note=job.note,
    )
