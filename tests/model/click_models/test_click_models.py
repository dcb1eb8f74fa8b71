"""Click models of others: the common exports are recognised, clicked with, and agree about the same object."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.click_models.click_model import ClickModel
from model.click_models.frame import frame_of, image_tensor
from model.errors import ModelError
from tests.model.click_models import small, variants

pytest.importorskip("onnxruntime")

KINDS: dict[str, Callable[[Path], Path]] = {
    each.__name__: each
    for each in (
        small.sam,
        small.sam_with_preprocessing,
        small.edge_sam,
        small.sam2,
        small.efficient_sam,
        small.efficient_sam_whole,
        small.hub_sam,
        small.hub_sam2,
        *variants.EVERY,
    )
}
TITLES = {
    "sam": "mobile_sam (Segment Anything)",
    "sam_with_preprocessing": "mobile_sam (Segment Anything)",
    "edge_sam": "edge_sam (Segment Anything)",
    "sam2": "sam2_tiny (Segment Anything 2)",
    "efficient_sam": "efficient (EfficientSAM)",
    "efficient_sam_whole": "efficient_sam (EfficientSAM)",
}
SHAPES = {"landscape": (90, 200), "portrait": (240, 80), "square": (256, 256), "large": (700, 1500)}


@pytest.fixture(scope="module", params=list(KINDS))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ClickModel:
    return ClickModel.open(KINDS[request.param](tmp_path_factory.mktemp(request.param)))


def picture(shape: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A red rectangle that lies off the middle, and where it is."""
    rows, cols = shape
    truth = np.zeros(shape, np.bool_)
    truth[rows // 6 : 2 * rows // 3, cols // 2 : 7 * cols // 8] = True
    pixels = np.full((*shape, 3), 30, np.uint8)
    pixels[truth] = (220, 40, 40)
    return pixels, truth


def iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_click_finds_the_object_where_it_is(model: ClickModel, shape: tuple[int, int]) -> None:
    pixels, truth = picture(shape)
    model.set_image(pixels)
    mask, score, logits = model.predict([[shape[1] * 2 / 3, shape[0] * 0.4]], [1])
    assert mask.shape == shape
    assert iou(mask, truth) > 0.65
    assert 0.7 < score < 1
    assert np.isfinite(logits).all()


def test_candidates_come_with_the_best_first(model: ClickModel) -> None:
    pixels, _ = picture((90, 200))
    model.set_image(pixels)
    found = model.predict_candidates([[133.0, 36.0]], [1])
    scores = [score for _, score, _ in found]
    assert len(found) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(mask.shape == (90, 200) for mask, _, _ in found)


def test_a_negative_click_takes_away(model: ClickModel) -> None:
    pixels, truth = picture((90, 200))
    pixels[10:50, 10:60] = (200, 60, 60)  # alike, and clicked away
    model.set_image(pixels)
    one, _, _ = model.predict([[133.0, 36.0]], [1])
    both, _, _ = model.predict([[133.0, 36.0], [30.0, 30.0]], [1, 0])
    assert one[30, 30]
    assert not both[30, 30]
    assert iou(both, truth) <= 1.0


def test_an_image_is_encoded_once(model: ClickModel) -> None:
    pixels, truth = picture((90, 200))
    first = model.set_image(pixels)
    model.set_image(255 - pixels)
    runs = model.encoder_runs
    model.encoding = first
    assert iou(model.predict([[133.0, 36.0]], [1])[0], truth) > 0.65
    assert model.encoder_runs == runs
    assert first.nbytes > 0


def test_a_box_is_taken_or_refused_in_words(model: ClickModel) -> None:
    pixels, _ = picture((90, 200))
    model.set_image(pixels)
    if model.signature.roles["coords"].name == "input_points" and "boxes" not in model.signature.roles:
        with pytest.raises(ModelError, match="takes no boxes"):
            model.predict(box=[95, 15, 170, 60])
        return
    assert model.predict(box=[105, 22, 160, 50])[0].shape == (90, 200)


def test_a_next_click_goes_on_from_the_answer(model: ClickModel) -> None:
    pixels, _ = picture((240, 80))
    model.set_image(pixels)
    _, _, logits = model.predict([[53.0, 96.0]], [1])
    mask, _, _ = model.predict([[53.0, 96.0], [50.0, 100.0]], [1, 1], mask_input=logits)
    assert mask[96, 53]
    start = np.zeros((240, 80), np.bool_)
    start[200:230, 10:70] = True
    mask, _, _ = model.predict([[53.0, 96.0]], [1], mask_input=start)
    if "mask" in model.signature.roles:
        assert mask[215, 40], "a mask of the user is where the user drew it"


def test_questions_without_sense_are_refused(model: ClickModel) -> None:
    model.set_image(picture((90, 200))[0])
    with pytest.raises(ModelError, match="Nothing was pointed at"):
        model.predict()
    with pytest.raises(ModelError, match="outside the image"):
        model.predict([[500.0, 1.0]], [1])
    with pytest.raises(ModelError, match="uint8"):
        model.set_image(np.zeros((4, 4, 3), np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", TITLES)
def test_it_is_called_after_its_files(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "my model"
    folder.mkdir()
    assert ClickModel.open(KINDS[kind](folder)).title == TITLES[kind]


def test_names_that_say_nothing_give_way_to_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "slimsam"
    folder.mkdir()
    assert ClickModel.open(small.hub_sam(folder)).name == "slimsam"


@pytest.mark.parametrize("opened", ["encoder", "decoder"])
def test_one_file_of_a_pair_is_enough(opened: str, tmp_path: Path) -> None:
    small.sam(tmp_path, stem="one")
    small.sam(tmp_path, stem="other")
    model = ClickModel.open(tmp_path / f"other.{opened}.onnx")
    assert model.signature.decoder.path.name == "other.decoder.onnx"
    assert model.signature.encoder is not None
    assert model.signature.encoder.path.name == "other.encoder.onnx"


@pytest.mark.parametrize("name", ["images", "input_image", "x", "image", "input"])
def test_the_image_may_have_any_name(name: str, tmp_path: Path) -> None:
    model = ClickModel.open(small.sam(tmp_path, image=name))
    assert model.signature.image.name == name


def test_an_encoder_may_leave_all_of_its_sides_open(tmp_path: Path) -> None:
    small.sam(tmp_path)
    axes = {"x": {0: "b", 1: "c", 2: "h", 3: "w"}}
    small.export(
        tmp_path / "mobile_sam.encoder.onnx", small.Pooled(), {"x": small.IMAGE}, ["image_embeddings"], axes
    )
    model = ClickModel.open(tmp_path)
    pixels, truth = picture((90, 200))
    model.set_image(pixels)
    assert model.signature.canvas == (small.SIDE, small.SIDE), "from the features that the decoder takes"
    assert iou(model.predict([[133.0, 36.0]], [1])[0], truth) > 0.65


@pytest.mark.parametrize("count", [1, 3, 4])
def test_decoders_with_one_or_several_masks(count: int, tmp_path: Path) -> None:
    model = ClickModel.open(small.sam(tmp_path, count))
    pixels, truth = picture((90, 200))
    model.set_image(pixels)
    assert len(model.predict_candidates([[133.0, 36.0]], [1])) == min(count, 3)
    several = model.predict_candidates([[133.0, 36.0], [120.0, 30.0]], [1, 1])
    assert len(several) == count, "what else may be meant is told where it is asked for"
    only = model.predict([[133.0, 36.0], [120.0, 30.0]], [1, 1])
    assert (only[0] == several[0][0]).all()
    assert only[1] == several[0][1]
    assert iou(model.predict([[133.0, 36.0]], [1])[0], truth) > 0.65


def test_bytes_are_the_values_of_pixels(tmp_path: Path) -> None:
    signature = ClickModel.open(variants.bytes_sam(tmp_path)).signature
    pixels, _ = picture((90, 200))
    shown = image_tensor(signature, frame_of(signature, (90, 200)), pixels)
    assert (shown.min(), shown.max()) == (0, 220), "of the padding, and of the object"


def test_masks_that_are_cut_already_are_as_large_as_others(tmp_path: Path) -> None:
    (tmp_path / "cut").mkdir()
    (tmp_path / "plain").mkdir()
    cut = ClickModel.open(variants.cut_sam(tmp_path / "cut"))
    plain = ClickModel.open(small.edge_sam(tmp_path / "plain"))
    pixels, _ = picture((700, 1500))
    masks = []
    for model in (cut, plain):
        model.set_image(pixels)
        masks.append(model.predict([[1000.0, 280.0], [1000.0, 290.0]], [1, 1])[0])
    assert iou(*masks) > 0.95


@pytest.mark.parametrize("suffix", ["", "_fp16", "_quantized"])
def test_of_several_number_formats_in_a_folder_those_alike_belong_together(
    suffix: str, tmp_path: Path
) -> None:
    small.hub_sam(tmp_path)
    for name in ("vision_encoder", "prompt_encoder_mask_decoder"):
        for other in ("_fp16", "_quantized"):
            shutil.copy(tmp_path / f"{name}.onnx", tmp_path / f"{name}{other}.onnx")
    for opened, partner in (
        ("vision_encoder", "prompt_encoder_mask_decoder"),
        ("prompt_encoder_mask_decoder", "vision_encoder"),
    ):
        signature = ClickModel.open(tmp_path / f"{opened}{suffix}.onnx").signature
        assert signature.encoder is not None
        found = {signature.encoder.path.name, signature.decoder.path.name}
        assert found == {f"{opened}{suffix}.onnx", f"{partner}{suffix}.onnx"}
