"""Searches for objects that nobody clicked on, a slice at a time: a click never waits for the whole of one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from latentseg_gui.document.prediction.candidates import CandidatesFound, ObjectCandidate, ObjectLooks
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.messages import FindCandidates
from model.prediction.alike import Looks, looks_of, propose_alike
from model.prediction.all_objects import Found, propose_objects
from model.prediction.found_objects import FoundObject
from model.prediction.predictor import Predictor

SLICE_SECONDS: Final = 0.4

MOST: Final = 2
"""Searches under way at a time."""

Key = tuple[str, str, str]
"""Name of the search, image, version of the weights."""


@dataclass(slots=True)
class _Search:
    key: Key
    steps: Iterator[Found]
    looks: tuple[ObjectLooks, ...]


class Searches:
    """The searches under way: one on the image that is looked at, one on the other images of the list.

    Another one takes the place of the older of two.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, _Search] = {}

    def go_on(
        self, request: FindCandidates, version: str, shown: Callable[[FindCandidates], Predictor]
    ) -> CandidatesFound:
        """What is found after another slice of the search.

        Args:
            request: what is looked for.
            version: of the live weights.
            shown: who answers clicks, set to the image of a request.
        """
        key = request.search, request.image_id, version
        search = self._under_way.pop(request.search, None)
        if search is None or search.key != key:
            search = _begun(key, request, shown(request))
        for name in tuple(self._under_way)[: -(MOST - 1)]:
            del self._under_way[name]
        started, found = time.monotonic(), Found((), 0.0)
        for found in search.steps:
            if found.fraction >= 1 or time.monotonic() - started > SLICE_SECONDS:
                break
        if found.fraction < 1:
            self._under_way[request.search] = search
        candidates = tuple(_candidate(each) for each in found.objects)
        return CandidatesFound(request.image_id, version, candidates, search.looks, found.fraction)

    def forget_image(self, image_id: str) -> None:
        """Give up what is looked for on an image."""
        self._under_way = {name: each for name, each in self._under_way.items() if each.key[1] != image_id}


def _begun(key: Key, request: FindCandidates, predictor: Predictor) -> _Search:
    looks = tuple(Looks(each.inside, each.around, each.pixels, each.form) for each in request.looks)
    if request.examples:
        examples = [((r.row0, r.col0, r.row1, r.col1), mask) for r, mask in request.examples]
        looks = (*looks, *looks_of(predictor, examples))
    steps = propose_alike(predictor, looks) if looks else propose_objects(predictor)
    return _Search(
        key, steps, tuple(ObjectLooks(each.inside, each.around, each.pixels, each.form) for each in looks)
    )


def _candidate(found: FoundObject) -> ObjectCandidate:
    return ObjectCandidate(
        Rect(*found.bounds), found.mask, found.score * found.stability, found.similarity, found.pixels
    )
