"""Better and slower predictions, by somebody in front of the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.e2e.person import Person


def test_a_switch_of_the_model_menu_predicts_again_and_back(person: Person, skimage_photo: Path) -> None:
    document = person.session.document
    person.open(skimage_photo)
    person.wait_for_prediction()
    image_id = person.image_id
    assert image_id is not None
    plain = document.predictions.of(image_id)
    assert plain is not None
    for wanted in (True, False):
        person.window.action["predict_edges"].setChecked(wanted)
        assert document.predictions.is_stale(image_id)
        person.wait_for(lambda: not document.predictions.is_stale(image_id), what="it is predicted again")
        answer = document.predictions.of(image_id)
        assert answer is not None
        assert np.array_equal(answer.confidence, plain.confidence) is not wanted
