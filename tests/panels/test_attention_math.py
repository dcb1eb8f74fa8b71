from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentseg_gui.panels.experts import attention_math as attention
from latentseg_gui.panels.experts.gains import Where, gain_at, is_solo, toggled_out, toggled_solo, with_gain
from latentseg_gui.panels.experts.maps import NamedMaps, as_source
from latentseg_gui.panels.experts.state import ExpertsState, ViewChoice
from tests.panels.random_maps import random_maps


def test_heads_are_reduced_as_asked() -> None:
    maps = random_maps().mix
    assert np.allclose(attention.reduce_heads(maps, "mean"), (maps[0] + maps[1]) / 2)
    assert np.array_equal(attention.reduce_heads(maps, "max"), np.maximum(maps[0], maps[1]))
    assert np.array_equal(attention.reduce_heads(maps, 1), maps[1])


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_shares_stay_shares(heads: int, count: int, rows: int, cols: int, seed: int) -> None:
    maps = random_maps(heads, count, rows, cols, seed)
    look, mix = attention.head_mean(maps.look), attention.head_mean(maps.mix)
    assert attention.mass(mix).sum() == pytest.approx(1.0, abs=1e-4)
    assert mix.sum(axis=0) == pytest.approx(1.0, abs=1e-4)
    for entropy in (attention.look_entropy(look), attention.mix_entropy(mix)):
        assert entropy.min() >= 0
        assert entropy.max() <= 1


def test_entropy_is_zero_for_one_and_one_for_all_alike() -> None:
    mix = np.zeros((4, 1, 2), dtype=np.float32)
    mix[2, 0, 0] = 1.0
    mix[:, 0, 1] = 0.25
    assert attention.mix_entropy(mix) == pytest.approx(np.array([[0.0, 1.0]]), abs=1e-5)
    look = np.zeros((2, 2, 2), dtype=np.float32)
    look[0, 1, 1] = 1.0
    look[1] = 0.25
    assert attention.look_entropy(look) == pytest.approx([0.0, 1.0], abs=1e-5)


def test_territory_belongs_to_the_largest_share_over_heads() -> None:
    mix = np.array([[[[0.6]], [[0.4]]], [[[0.1]], [[0.9]]]], dtype=np.float32)
    assert attention.territory(attention.head_mean(mix)).tolist() == [[1]]


def test_affinity_counts_mass_per_class_and_ignores_unlabelled_pixels() -> None:
    mix = np.array([[[0.75, 0.25, 0.5]], [[0.25, 0.75, 0.5]]], dtype=np.float32)
    labels = np.array([[0, 1, 255]], dtype=np.uint8)
    shares = attention.class_affinity(mix, labels, 2)
    assert shares == pytest.approx(np.array([[0.5, 0.25 / 1.5], [0.25 / 1.5, 0.5]]))


def test_a_dead_expert_has_no_affinity_and_no_warning() -> None:
    mix = np.array([[[1.0]], [[0.0]]], dtype=np.float32)
    assert attention.class_affinity(mix, np.zeros((1, 1), np.uint8), 1).tolist() == [[1.0], [0.0]]


def test_labels_are_taken_in_the_middle_of_tokens_also_at_ragged_edges() -> None:
    labels = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6)
    assert attention.labels_at_tokens(labels, (2, 2), 4.0).tolist() == [[14, 17], [26, 29]]


def test_each_scale_shows_what_it_says() -> None:
    maps = np.array([[[0.98, 1.0, 1.02]], [[0.1, 0.2, 0.3]]], dtype=np.float32)
    each, shared, zero = (
        attention.thumbnails(maps, attention.value_limits(maps, kind), 8)
        for kind in ("expert", "shared", "zero")
    )
    assert each[:, 0].tolist() == [[0, 127, 255], [0, 127, 255]], "structure shows in both"
    assert shared[1].max() < shared[0].min(), "the weak one is dark"
    assert zero[0].min() > 240, "what is nearly even looks flat"
    assert zero[1].tolist() == [[25, 50, 75]]
    assert attention.value_limits(maps, "zero").tolist() == [[0, maps.max()]] * 2


def test_a_single_peak_does_not_make_all_else_dark() -> None:
    maps = np.random.default_rng(0).random((1, 100, 100)).astype(np.float32)
    maps[0, 50, 50] = 1000
    low, high = attention.value_limits(maps, "expert")[0]
    assert 0 <= low < 0.05
    assert 0.95 < high <= 1


@pytest.mark.parametrize("kind", ["expert", "shared", "zero"])
def test_flat_maps_are_dark_not_nan(kind: attention.Normalisation) -> None:
    for value in (0.0, 0.0625, 700.0):
        maps = np.full((2, 3, 3), value, dtype=np.float32)
        limits = attention.value_limits(maps, kind)
        assert (limits[:, 0] < limits[:, 1]).all()
        codes = attention.thumbnails(maps, limits, 8)
        assert codes.max() == (255 if kind == "zero" and value else 0)


def test_shrinking_keeps_the_mean_and_the_bound() -> None:
    maps = np.random.default_rng(1).random((3, 64, 96)).astype(np.float32)
    small = attention.block_means(maps, 48)
    assert small.shape == (3, 32, 48)
    assert small.mean(axis=(1, 2)) == pytest.approx(maps.mean(axis=(1, 2)), abs=1e-5)
    thin = np.ones((1, 1, 500), dtype=np.float32)
    assert attention.block_means(thin, 48).shape == (1, 1, 500)


def test_units_are_multiples_of_an_even_spread_and_percent() -> None:
    even = np.full((1, 1, 2, 2), 0.25, dtype=np.float32)
    shown = {over: 0.25 * NamedMaps("a", "A", "", even, over).factor for over in ("places", "rows", "")}
    assert shown == {"places": 1.0, "rows": 25.0, "": 0.25}


def test_the_mix_of_a_pixel_is_that_of_its_token() -> None:
    maps = random_maps()
    found = attention.pixel_mix(maps.mix, maps.shape, maps.stride, (13.9, 8.0))
    assert found is not None
    assert np.array_equal(found.per_head, maps.mix[:, :, 2, 3])
    assert found.mean[found.ranked[0]] == found.mean.max()
    assert attention.pixel_mix(maps.mix, maps.shape, maps.stride, (-0.1, 3)) is None
    assert attention.pixel_mix(maps.mix, maps.shape, maps.stride, (3, 24.0)) is None


def test_orders() -> None:
    figures = attention.ExpertFigures(
        np.array([0.2, 0.5, 0.3], np.float32),
        np.array([0.9, 0.1, 0.5], np.float32),
        np.array([[0.1, 0.9], [0.7, 0.3], [0.6, 0.4]], np.float32),
    )
    assert attention.sort_order("index", figures) == (0, 1, 2)
    assert attention.sort_order("mass", figures) == (1, 2, 0)
    assert attention.sort_order("entropy", figures) == (1, 2, 0)
    assert attention.sort_order("class", figures, 1) == (0, 2, 1)
    assert attention.sort_order("class", figures, 9) == (0, 1, 2)


def test_gains_toggle_back_to_as_trained() -> None:
    shape = 2, 4
    assert toggled_out({}, Where(3), shape) == {3: 0.0}
    assert toggled_out({3: 0.0}, Where(3), shape) == {}
    assert toggled_out({3: 2.0}, Where(3), shape) == {3: 0.0}
    assert with_gain({3: 0.0}, Where(3), 1.0, shape) == {}
    assert toggled_solo({}, Where(1), (2, 3)) == {0: 0.0, 2: 0.0}
    assert toggled_solo({0: 0.0, 2: 0.0}, Where(1), (2, 3)) == {}
    assert is_solo({0: 0.0, 2: 0.0}, Where(1), (2, 3))
    assert not is_solo({0: 0.0}, Where(1), (2, 3))
    assert not is_solo({}, Where(0), (2, 1))


def test_heads_add_up_to_experts() -> None:
    shape = 2, 3
    one = toggled_out({}, Where(1, (0,)), shape)
    assert one == {(0, 1): 0.0}
    assert toggled_out(one, Where(1, (1,)), shape) == {1: 0.0}
    assert gain_at(one, Where(1), shape) is None
    assert gain_at(one, Where(1, (0,)), shape) == 0.0
    assert with_gain({1: 0.0}, Where(1, (1,)), 2.0, shape) == {(0, 1): 0.0, (1, 1): 2.0}
    assert toggled_solo({}, Where(None, (1,)), shape) == {(0, expert): 0.0 for expert in range(3)}
    assert toggled_solo({}, Where(2, (1,)), shape) == {0: 0.0, 1: 0.0, (0, 2): 0.0}
    assert with_gain({}, Where(None), 0.0, shape) == {expert: 0.0 for expert in range(3)}


def test_the_state_follows_view_and_head_and_drops_a_head_that_is_gone() -> None:
    state = ExpertsState()
    state.set_maps(as_source(random_maps()))
    state.set_choice(ViewChoice(view="mix", head=1))
    assert state.reduced == pytest.approx(random_maps().mix[1] * 100)
    state.set_maps(as_source(random_maps(heads=1)))
    assert state.reduced == pytest.approx(random_maps(heads=1).mix[0] * 100)


def test_labels_of_another_image_do_not_count() -> None:
    state = ExpertsState()
    state.set_maps(as_source(random_maps()))
    state.set_labels(np.zeros((3, 3), np.uint8), ("background",))
    assert state.main_class(0) is None
    state.set_labels(np.zeros((24, 32), np.uint8), ("background",))
    assert state.main_class(0) == ("background", pytest.approx(1.0))
