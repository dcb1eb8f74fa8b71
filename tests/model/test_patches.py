"""The squares of an image that an expert has most to do with."""

import numpy as np
import pytest

from model.analysis.patches import LEAST_SIDE, patch_side, strongest_patches


def test_the_strongest_square_lies_where_the_map_is_strongest():
    maps = np.full((2, 30, 40), 0.1)
    maps[0, 4:9, 30:35] = 0.9
    maps[1, 20:25, 2:7] = 0.5
    found = strongest_patches(maps, (120, 160), 3)
    side = patch_side((120, 160))
    assert side == LEAST_SIDE
    for patches, (row, col) in zip(found, ((4, 30), (20, 2)), strict=True):
        best = patches[0]
        assert abs(best.row - row * 4) <= side / 2
        assert abs(best.col - col * 4) <= side / 2
        assert [each.share for each in patches] == sorted((each.share for each in patches), reverse=True)
    assert found[0][0].share == pytest.approx(maps[0, 3:9, 29:35].mean(), abs=0.1)


def test_squares_keep_apart_and_lie_inside():
    maps = np.random.default_rng(0).random((4, 33, 47))
    shape = (131, 187)
    for patches in strongest_patches(maps, shape, 12):
        assert len(patches) == 12
        for number, one in enumerate(patches):
            assert 0 <= one.row <= shape[0] - one.side
            assert 0 <= one.col <= shape[1] - one.side
            for other in patches[:number]:
                apart = max(abs(one.row - other.row), abs(one.col - other.col))
                assert apart >= one.side // 2 - 4


@pytest.mark.parametrize(("shape", "tokens"), [((1, 1), (1, 1)), ((1, 300), (1, 75)), ((9, 7), (3, 2))])
def test_the_smallest_images_have_a_square_too(shape, tokens):
    maps = np.random.default_rng(0).random((2, *tokens))
    for patches in strongest_patches(maps, shape, 4):
        assert 1 <= len(patches) <= 4
        assert all(each.side == min(shape) and each.row >= 0 and each.col >= 0 for each in patches)
        assert all(each.row + each.side <= shape[0] and each.col + each.side <= shape[1] for each in patches)
