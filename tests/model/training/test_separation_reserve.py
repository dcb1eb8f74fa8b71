"""What tells objects apart is learned from all that is labelled, also where some of it was left out for a while."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.testing import assert_close

from model.training.finetune import finetune
from model.training.prepare import encode_pictures, encode_variations, order_pictures, set_statistics
from model.training.reserve import Reserve
from model.training.separation import depth_loss
from model.training.types import IGNORED
from tests.discs import CONFIG, touching
from tests.tiny import tiny_network

VARIED = replace(CONFIG, seconds=1e6, augmentation=1.0)


def encoded(count):
    session = finetune(tiny_network(), [touching(seed) for seed in range(count)], VARIED)._session
    order_pictures(session)
    list(encode_pictures(session, None))
    set_statistics(session)
    return session


def test_objects_of_labels_that_were_left_out_for_a_while_are_learned_in_the_end():
    session = encoded(3)
    before = [view.targets.clone() for view in session.views]
    reserve = Reserve(session)
    reserve.leave_out()
    out = [index for index, view in enumerate(session.views) if bool((view.held != IGNORED).any())]
    assert len(out) == 1, "a whole image"
    hidden = session.views[out[0]]
    logits = torch.zeros(1, 1, *hidden.size)
    assert depth_loss(logits, hidden.targets[None], hidden.train[None]) == 0, "it teaches nothing meanwhile"
    list(encode_variations(session, 1.0))
    reserve.take_in()
    for view, was in zip(session.views, before, strict=False):
        assert_close(view.targets, was)
    assert all(bool(view.targets[1].any()) for view in session.views), "of variations as well"
    shown = session.views[out[0]]
    assert depth_loss(logits, shown.targets[None], shown.train[None]) > 0
