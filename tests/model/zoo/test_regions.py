"""Boxes, RoIAlign and what is painted: against plain arithmetic, box by box and pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.zoo import boxes as bx
from model.zoo.objects import painted_objects, without_covered
from model.zoo.regions import Detections, RegionBranch, anchors_of
from model.zoo.roi_align import level_of, pyramid_align, roi_align


def random_boxes(rng, count, side=100.0):
    low = rng.random((count, 2)) * side * 0.8
    return torch.tensor(np.concatenate((low, low + 1 + rng.random((count, 2)) * side * 0.5), 1)).float()


def iou(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, width) * max(0.0, height)
    area = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return both / (area - both)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_overlaps_are_those_of_single_boxes_and_offsets_lead_back(seed):
    rng = np.random.default_rng(seed)
    one, other = random_boxes(rng, 5), random_boxes(rng, 7)
    expected = [[iou(a, b) for b in other.tolist()] for a in one.tolist()]
    assert np.allclose(bx.box_iou(one, other).numpy(), expected, atol=1e-4)
    back = bx.moved(one, bx.offsets_from(one, other[:5]), (500, 500))
    assert torch.allclose(back, other[:5], atol=1e-2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_suppression_leaves_no_doubles_and_drops_nothing_else(seed):
    rng = np.random.default_rng(seed)
    boxes, scores = random_boxes(rng, 30), torch.tensor(rng.permutation(30) / 30).float()
    groups = torch.tensor(rng.integers(0, 2, 30))
    kept = bx.without_doubles(boxes, scores, most_overlap=0.4, groups=groups).tolist()
    assert scores[kept].tolist() == sorted(scores[kept].tolist(), reverse=True)
    for index in range(30):
        stronger = [
            k for k in kept if k != index and scores[k] > scores[index] and groups[k] == groups[index]
        ]
        is_hidden = any(iou(boxes[k].tolist(), boxes[index].tolist()) > 0.4 for k in stronger)
        assert (index in kept) != is_hidden


def test_no_boxes_are_no_trouble():
    none = torch.zeros(0, 4)
    assert bx.box_iou(none, none).shape == (0, 0)
    assert len(bx.without_doubles(none, torch.zeros(0), most_overlap=0.5)) == 0
    levels = [torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 4, 4)]
    assert pyramid_align(levels, [none], 7).shape == (0, 3, 7, 7)


def bilinear(plane, y, x):
    """Value of a plane [h, w] at a place in cells, cell i covering [i, i + 1)."""
    height, width = plane.shape
    y, x = min(max(y - 0.5, 0), height - 1), min(max(x - 0.5, 0), width - 1)
    top, left = math.floor(y), math.floor(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    fy, fx = y - top, x - left
    upper = plane[top, left] * (1 - fx) + plane[top, right] * fx
    return upper * (1 - fy) + (plane[bottom, left] * (1 - fx) + plane[bottom, right] * fx) * fy


def test_roi_align_is_the_mean_of_bilinear_samples():
    rng = np.random.default_rng(0)
    features = torch.tensor(rng.random((1, 2, 9, 12))).float()
    boxes = torch.tensor([[3.3, 4.1, 29.7, 20.2], [0.0, 0.0, 48.0, 36.0], [10.0, 5.0, 11.5, 30.0]])
    answer = roi_align(features, boxes, 3, 4)
    assert answer.shape == (3, 2, 3, 3)
    for number, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        for row in range(3):
            for col in range(3):
                samples = [
                    bilinear(
                        features[0, 1].numpy(),
                        (y0 + (y1 - y0) * (2 * row + dy + 0.5) / 6) / 4,
                        (x0 + (x1 - x0) * (2 * col + dx + 0.5) / 6) / 4,
                    )
                    for dy in (0, 1)
                    for dx in (0, 1)
                ]
                assert float(answer[number, 1, row, col]) == pytest.approx(np.mean(samples), abs=1e-5)


def test_a_box_is_read_from_the_level_of_its_size_and_the_right_image():
    boxes = torch.tensor([[0.0, 0, 20, 20], [0, 0, 120, 120], [0, 0, 230, 230], [0, 0, 500, 500]])
    assert level_of(boxes, 4).tolist() == [0, 1, 2, 3]
    levels = [
        torch.stack([torch.full((1, s, s), image * 10.0 + n) for image in (0, 1)])
        for n, s in enumerate((128, 64, 32, 16))
    ]
    seen = pyramid_align(levels, [boxes[[3, 0]], boxes[[1, 2, 0]]], 2)
    assert seen.flatten(1).mean(1).tolist() == pytest.approx([3, 0, 11, 12, 10])


def test_anchors_stand_in_the_middle_of_their_places():
    fine, coarse = anchors_of([(4, 6), (2, 3)], torch.zeros(1))
    assert fine.shape == (4 * 6 * 3, 4)
    centre = (fine[:, :2] + fine[:, 2:]) / 2
    assert centre[0].tolist() == [2, 2]
    assert centre[3 * 6].tolist() == [2, 6]  # the first of the second row
    sides = (coarse[:, 2:] - coarse[:, :2])[:3]
    assert (sides[:, 0] * sides[:, 1]).tolist() == pytest.approx([32**2] * 3)
    assert (sides[:, 1] / sides[:, 0]).tolist() == pytest.approx([0.5, 1, 2])


def detections(boxes, classes, scores, masks=None):
    count = len(boxes)
    return Detections(
        torch.tensor(boxes, dtype=torch.float32).view(-1, 4),
        torch.tensor(scores, dtype=torch.float32),
        torch.tensor(classes, dtype=torch.long),
        torch.ones(count, 28, 28) if masks is None else masks,
    )


def test_objects_are_painted_where_their_boxes_are_and_the_surest_wins():
    found = detections([[2, 3, 10, 9], [6, 3, 14, 9], [-5, -5, 3, 2]], [1, 2, 1], [0.9, 0.6, 0.8])
    logits, numbers = painted_objects(found, 3, (12, 16))
    labels = logits.argmax(0)
    expected = torch.zeros(12, 16, dtype=torch.int32)
    expected[3:9, 6:14], expected[3:9, 2:10], expected[0:2, 0:3] = 2, 1, 3
    assert torch.equal(numbers, expected)
    assert torch.equal(labels, torch.tensor([0, 1, 2, 1])[expected.long()])
    sure = logits.softmax(0).max(0).values
    assert sure[4, 3] > sure[4, 13] > 0.5  # as sure as its score


def test_a_mask_is_drawn_to_the_pixel_inside_its_box():
    mask = torch.zeros(1, 28, 28)
    mask[0, :, :14] = 1  # the left half
    _, numbers = painted_objects(detections([[4, 2, 24, 12]], [1], [0.9], mask), 2, (16, 32))
    assert bool((numbers[2:12, 4:14] == 1).all())
    assert int((numbers > 0).sum()) == 100


def test_nothing_found_is_background():
    logits, numbers = painted_objects(detections([], [], [], torch.zeros(0, 28, 28)), 3, (5, 6))
    assert not bool(numbers.any())
    assert not bool(logits.argmax(0).any())


def test_boxes_of_objects_stay_inside_the_picture():
    torch.manual_seed(0)
    branch = RegionBranch(8, 3, box_width=8, mask_width=8).eval()
    torch.nn.init.normal_(branch.box.classes.weight, std=5.0)
    levels = [torch.randn(2, 8, side, side * 2) for side in (16, 8, 4, 2)]
    found = branch.detect(levels, (64, 128))
    assert len(found) == 2
    for each in found:
        assert len(each.boxes) > 0
        assert bool((each.boxes >= 0).all())
        assert bool((each.boxes <= torch.tensor([128, 64, 128, 64])).all())
        assert set(each.classes.tolist()) <= {1, 2}
        assert each.masks.shape == (len(each.boxes), 28, 28)
        assert each.scores.tolist() == sorted(each.scores.tolist(), reverse=True)


def test_an_object_that_surer_ones_cover_was_found_once_more_and_has_no_number():
    found = detections([[2, 3, 12, 9], [4, 3, 14, 9], [11, 3, 20, 9]], [1, 1, 2], [0.9, 0.6, 0.5])
    numbers = painted_objects(found, 3, (12, 24))[1]
    assert numbers.unique().tolist() == [0, 1, 2, 3]
    assert without_covered(numbers, found).unique().tolist() == [0, 1, 3], (
        "a neighbour that is cut a little stays"
    )
    none = detections([[0, 0, 1, 1]], [1], [0.9])
    assert without_covered(torch.zeros(3, 4, dtype=torch.int32), none).sum() == 0
