"""What is said of experts follows from their maps and from knocking them out."""

import numpy as np
import pytest

from model.analysis.inspection import (
    class_affinity,
    cluster_order,
    compare,
    examine,
    influence_table,
    labels_at_tokens,
    look_entropy,
    map_overlap,
    mass,
    mix_entropy,
    pool_to,
    reduce_heads,
    territory,
    vector_shift,
    vector_similarity,
)
from model.errors import ModelError


def random_mix(experts=5, size=(6, 8), seed=0):
    mix = np.random.default_rng(seed).random((experts, *size)).astype(np.float32)
    return mix / mix.sum(0)


def test_heads_are_reduced_as_asked():
    maps = np.random.default_rng(0).random((4, 3, 2, 2)).astype(np.float32)
    assert np.array_equal(reduce_heads(maps, 2), maps[2])
    assert np.allclose(reduce_heads(maps), maps.mean(0))
    assert np.array_equal(reduce_heads(maps, "max"), maps.max(0))
    for wrong in (4, -1, "median"):
        with pytest.raises(ModelError, match="no head"):
            reduce_heads(maps, wrong)


def test_mass_sums_to_one_and_follows_the_area():
    assert mass(random_mix()).sum() == pytest.approx(1, abs=1e-6)
    mix = np.zeros((2, 4, 4))
    mix[0, :1] = mix[1, 1:] = 1
    assert mass(mix).tolist() == [0.25, 0.75]


def test_entropy_runs_from_one_place_to_everywhere():
    look = np.zeros((3, 4, 4))
    look[0, 1, 1] = 1
    look[1] = 1 / 16
    look[2, 0, :2] = 0.5
    assert look_entropy(look).tolist() == pytest.approx([0, 1, 0.25])
    mix = np.full((4, 1, 2), 0.25)
    mix[:, 0, 1] = [1, 0, 0, 0]
    assert mix_entropy(mix).tolist() == [[pytest.approx(1), pytest.approx(0)]]
    assert mix_entropy(np.ones((1, 2, 2))).tolist() == [[0, 0], [0, 0]]


def test_territory_is_the_expert_read_most():
    mix = random_mix()
    assert np.array_equal(territory(mix), np.argmax(mix, axis=0))


def test_affinity_rows_sum_to_one_and_find_the_class():
    mix = np.zeros((2, 2, 2))
    mix[0, :, 0] = mix[1, :, 1] = 1
    labels = np.zeros((8, 8), np.uint8)
    labels[:, 4:] = 1
    at_tokens = labels_at_tokens(labels, (2, 2), 4.0)
    assert class_affinity(mix, at_tokens, 2).tolist() == [[1, 0], [0, 1]]
    random = np.random.default_rng(0).integers(0, 3, (25, 33)).astype(np.uint8)
    assert class_affinity(random_mix(), labels_at_tokens(random, (6, 8), 4.0), 3).sum(1) == pytest.approx(1)
    assert class_affinity(np.zeros((2, 2, 2)), at_tokens, 2).tolist() == [[0, 0], [0, 0]]


def test_pooling_averages_cells():
    values = np.arange(12.0).reshape(1, 3, 4)
    assert pool_to(values, (1, 2)).tolist() == [[[4.5, 6.5]]]
    assert np.array_equal(pool_to(values, (3, 4)), values)


def test_overlap_and_cosine():
    maps = np.zeros((3, 2, 2))
    maps[0, 0] = maps[1, 0] = 1
    maps[1] *= 7
    maps[2, 1] = 1
    assert map_overlap(maps) == pytest.approx(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]))
    vectors = np.array([[1.0, 0], [0, 2], [-3, 0]])
    assert vector_similarity(vectors) == pytest.approx(np.array([[1, 0, -1], [0, 1, 0], [-1, 0, 1]]))
    assert vector_shift(vectors, vectors * [[2], [-1], [1]]) == pytest.approx([0, 2, 0])


def test_similar_experts_become_neighbours():
    similarity = np.eye(6)
    for a, b in ((0, 4), (1, 3), (2, 5)):
        similarity[a, b] = similarity[b, a] = 0.9
    order = cluster_order(similarity)
    assert sorted(order) == list(range(6))
    for a, b in ((0, 4), (1, 3), (2, 5)):
        assert abs(order.index(a) - order.index(b)) == 1
    assert cluster_order(np.eye(2)) == [0, 1]


def test_idle_experts_and_twins_are_named():
    mix = random_mix(5, (20, 20))
    mix[2] = 1e-6
    mix[4] = mix[1]
    mix /= mix.sum(0)
    vectors = np.random.default_rng(0).normal(size=(5, 16))
    vectors[4] = vectors[1] * 1.1
    findings = examine(mix, vectors)
    assert findings.idle == (2,)
    assert findings.twins == ((1, 4),)
    assert findings.sentences() == [
        "expert 2 is idle: hardly any pixel draws on it.",
        "expert 1 and expert 4 do the same.",
    ]
    vectors[4] *= -1
    assert examine(mix, vectors).twins == ()


def test_influence_ranks_the_expert_that_changes_most():
    base = np.zeros((2, 10, 10))
    base[0], base[1] = 0.9, 0.1

    def probabilities(off):
        answer = base.copy()
        if 1 in off:
            answer[:, :5] = answer[::-1, :5]
        if 2 in off:
            answer[0] -= 0.2
            answer[1] += 0.2
        return answer

    rows = influence_table(probabilities, 3)
    assert [row.experts for row in rows] == [(1,), (2,), (0,)]
    assert rows[0].changed == 0.5
    assert rows[0].area == pytest.approx((-0.5, 0.5))
    assert rows[0].confidence == pytest.approx(-0.4)
    assert rows[1].changed == 0
    assert rows[1].confidence == pytest.approx(-0.2)
    assert rows[2].confidence == 0


def test_comparing_a_prediction_with_itself_finds_nothing():
    probabilities = random_mix(3)
    row = compare(probabilities, probabilities, ())
    assert (row.changed, row.confidence) == (0, 0)
    assert row.area == (0, 0, 0)
