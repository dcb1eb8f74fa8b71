"""What clicks and masks that are handed in are taken to mean, whatever their order and however often repeated."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import ModelError
from model.prediction.inputs import check_pointing
from model.prediction.postprocess import clean_mask
from model.prediction.predictor import Predictor
from model.prediction.runner import Runner
from tests.model.small_predictors import picture, predictor_of, small_network

ROWS, COLS = 24, 32


@pytest.fixture(scope="module")
def shown():
    torch.manual_seed(0)
    predictor = predictor_of(small_network())
    predictor.set_image(picture(ROWS, COLS))
    return predictor


places = st.tuples(
    st.sampled_from([0.0, 0.4, 7.0, 7.5, 7.9, 20.2, COLS - 0.5, float(COLS)]),
    st.sampled_from([0.0, 3.5, 3.9, 11.0, ROWS - 0.5, float(ROWS)]),
)
sequences = st.lists(st.tuples(places, st.integers(0, 1)), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(sequences)
def test_after_any_sequence_of_clicks_the_last_one_on_a_pixel_is_in_the_mask(shown, clicks):
    logits = None
    for count in range(1, len(clicks) + 1):
        xy, labels = [c[0] for c in clicks[:count]], [c[1] for c in clicks[:count]]
        mask, score, logits = shown.predict(xy, labels, mask_input=logits)
        assert 0 <= score <= 1
        assert np.isfinite(logits).all()
        said = {
            (min(int(y), ROWS - 1), min(int(x), COLS - 1)): label
            for (x, y), label in zip(xy, labels, strict=True)
        }
        assert {place: int(mask[place]) for place in said} == said


@settings(max_examples=200, deadline=None)
@given(sequences, st.integers(0, 99))
def test_a_mask_is_cleaned_as_if_earlier_clicks_on_a_pixel_were_never_made(clicks, seed):
    mask = np.random.default_rng(seed).random((ROWS, COLS)) > 0.5
    all_of_them = check_pointing([c[0] for c in clicks], [c[1] for c in clicks], None, (ROWS, COLS))
    kept = {}
    for (x, y), label in clicks:
        place = min(int(y), ROWS - 1), min(int(x), COLS - 1)
        kept.pop(place, None)
        kept[place] = (x, y), label
    last = check_pointing([v[0] for v in kept.values()], [v[1] for v in kept.values()], None, (ROWS, COLS))
    assert np.array_equal(clean_mask(mask, all_of_them), clean_mask(mask, last))


def test_a_mask_that_is_handed_in_counts_whatever_was_answered_before():
    network, image = small_network(), picture(48, 72)
    asked, fresh = (Predictor(network, "cpu") for _ in range(2))
    for predictor in (asked, fresh):
        predictor.set_image(image)
    asked.predict([(10, 10)], [1])
    mine = np.zeros(image.shape[:2], bool)
    mine[30:45, 40:60] = True
    clicks = [(10, 10), (50, 35)], [1, 1]
    for given_mask in (mine, np.where(mine, 4.0, -4.0).astype(np.float32), mine & False):
        got, expected = (each.predict(*clicks, mask_input=given_mask) for each in (asked, fresh))
        assert np.array_equal(got[0], expected[0])
        assert np.allclose(got[2], expected[2])


@pytest.mark.parametrize("stored", [np.float32, np.float16])
def test_logits_that_were_returned_go_on_from_the_mask_that_came_with_them(stored):
    """The window keeps them with 16 bits."""
    predictor = predictor_of(small_network())
    predictor.set_image(picture(48, 72))
    first, _, logits = predictor.predict([(30.5, 20.5)], [1])
    kept = logits.clip(-60, 60).astype(stored).astype(np.float32)
    rows, cols = np.nonzero(first)
    again, _, _ = predictor.predict([(30.5, 20.5), (cols[-1] + 0.5, rows[-1] + 0.5)], [1, 1], mask_input=kept)
    assert np.array_equal(again, first), "a confirming click changes nothing"


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint16, object])
def test_masks_of_whole_numbers_are_refused_in_words(shown, dtype):
    mask = np.zeros((ROWS, COLS), dtype)
    mask[5:9, 5:9] = 1
    with pytest.raises(ModelError, match="mask_input must hold") as caught:
        shown.predict([(6, 6)], [1], mask_input=mask)
    assert "mask > 0" in caught.value.action


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, bool])
def test_logits_of_any_width_and_bool_masks_are_taken(shown, dtype):
    mask = np.zeros((ROWS, COLS), dtype)
    mask[5:9, 5:9] = 1
    assert shown.predict([(6, 6)], [1], mask_input=mask)[0][6, 6]


@pytest.mark.parametrize(
    ("clicks", "labels"),
    [
        ([(-0.1, 5)], [1]),
        ([(5, ROWS + 0.1)], [1]),
        ([(5, 5), (COLS + 1, 5)], [1, 0]),
        ([(np.nan, 5)], [1]),
        ([(5, np.inf)], [1]),
        ([(5, 5, 5)], [1]),
        (["here"], [1]),
        ([(5, 5), (5,)], [1, 1]),
        ([(5, 5)], ["yes"]),
        ([(5, 5)], [2]),
        ([(5, 5)], [0.5]),
        ([(5, 5)], [np.nan]),
    ],
)
def test_clicks_that_make_no_sense_are_refused_in_words(shown, clicks, labels):
    with pytest.raises(ModelError):
        shown.predict(clicks, labels)


def test_the_maps_of_clicks_are_those_of_the_answer(monkeypatch):
    """Of what clicks are answered from, with what the answer went on from: not of the encoding for classes."""
    predictor = Predictor(small_network(), "cpu", dtype=torch.bfloat16)
    predictor.set_image(picture(400, 300))
    calls = []
    segment = Runner.segment

    def noted(self, encoding, pointing, previous, **options):
        calls.append((self, encoding, pointing.xy.tolist(), None if previous is None else previous.sum()))
        return segment(self, encoding, pointing, previous, **options)

    monkeypatch.setattr(Runner, "segment", noted)
    _, _, logits = predictor.predict([(100, 200)], [1])
    calls.clear()
    clicks = [(100, 200), (20, 30)], [1, 0]
    predictor.predict(*clicks, mask_input=logits)
    answer = calls[0]
    calls.clear()
    maps = predictor.prompt_attention(*clicks, mask_input=logits)
    assert calls == [answer]
    assert maps.shape == (400, 300)
    assert np.allclose(maps.mix.sum(1), 1, atol=1e-4)
