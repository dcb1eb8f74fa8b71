"""`latentseg predict` writes a mask per image and survives the bad ones."""

import json
import pickle

import numpy as np
import pytest
import tifffile
from PIL import Image

from latentseg_gui.headless.subcommand import output_stems
from latentseg_gui.io.masks import FORMATS


def test_masks_of_a_folder(latentseg, weights, folders, tmp_path):
    code, out, err = latentseg("predict", folders[0], "-o", tmp_path / "out", "--weights", weights)
    assert code == 0
    assert "running on CPU" in err
    for index in range(3):
        with Image.open(tmp_path / "out" / f"scene {index}.png") as mask:
            labels = np.asarray(mask)
        assert labels.shape == (48, 64)
        assert set(np.unique(labels)) <= {0, 1}
        assert f"scene {index}.png" in out


def test_a_bad_image_does_not_stop_the_others(latentseg, weights, folders, tmp_path):
    (folders[0] / "a broken one.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    (folders[0] / "a text.png").write_text("I am no picture")
    code, _, err = latentseg(
        "predict", folders[0], tmp_path / "missing.png", "-o", tmp_path / "out", "--weights", weights
    )
    assert code == 1
    assert "3 failed" in err
    for name in ("a broken one.png", "a text.png", "missing.png"):
        assert name in err
    assert "Traceback" not in err
    assert "There is no file “" in err
    assert "Start the same command again" in err
    masks = sorted(path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith("."))
    assert masks == [f"scene {i}.png" for i in range(3)]


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format(latentseg, weights, folders, tmp_path, name):
    target = tmp_path / "out"
    code, _, err = latentseg(
        "predict", folders[0] / "scene 0.png", "-o", target, "--weights", weights, "--format", name
    )
    assert code == 0, err
    assert any(path.stat().st_size for path in target.rglob("*") if path.is_file())


def test_slower_and_better_options_change_the_prediction(latentseg, weights, folders, tmp_path):
    written = []
    for name, options in (("plain", ()), ("better", ("--flip", "--scales", "0.75,1", "--crf"))):
        code, _, err = latentseg(
            *("predict", folders[0] / "scene 0.png", "-o", tmp_path / name, "--weights", weights),
            *("--format", "probabilities", *options),
        )
        assert code == 0, err
        written.append(tifffile.imread(tmp_path / name / "scene 0.tif", key=slice(None)))
    assert written[0].shape == written[1].shape == (2, 48, 64)
    assert not np.array_equal(written[0], written[1])
    for maps in written:
        assert np.abs(maps.sum(0, dtype=np.int64) - 65535).max() <= 2


def test_scales_that_are_none_are_refused(latentseg, weights, folders, tmp_path):
    common = ("predict", folders[0], "-o", tmp_path / "out", "--weights", weights)
    for scales, complaint in (("9", "from 0.25 to 4.0"), ("big", "not a list of numbers")):
        code, _, err = latentseg(*common, "--scales", scales)
        assert code == 2
        assert complaint in err


def test_coco_holds_all_images(latentseg, weights, folders, tmp_path):
    code, _, _ = latentseg("predict", folders[0], "-o", tmp_path, "--weights", weights, "--format", "coco")
    assert code == 0
    content = json.loads((tmp_path / "annotations.json").read_text())
    assert len(content["images"]) == 3
    assert content["categories"][-1]["name"] == "thing"


def test_sources_are_never_overwritten(latentseg, weights, folders):
    before = (folders[0] / "scene 0.png").read_bytes()
    code, _, err = latentseg("predict", folders[0], "-o", folders[0], "--weights", weights)
    assert code == 2
    assert "overwrite" in err
    assert (folders[0] / "scene 0.png").read_bytes() == before


def test_hostile_weights_are_refused_and_not_run(latentseg, folders, tmp_path):
    marker = tmp_path / "marker"

    class Payload:
        def __reduce__(self):
            return open, (str(marker), "w")

    (tmp_path / "w.pt").write_bytes(pickle.dumps(Payload()))
    code, _, err = latentseg("predict", folders[0], "-o", tmp_path / "out", "--weights", tmp_path / "w.pt")
    assert code == 2
    assert "can run code; convert it" in err
    assert err.count("\n") == 1
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_and_an_unknown_device_are_sentences(latentseg, weights, folders, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = latentseg("predict", tmp_path / "empty", "-o", tmp_path / "out", "--weights", weights)
    assert (code, "no images" in err) == (2, True)
    code, _, err = latentseg(
        "predict", folders[0], "-o", tmp_path / "out", "--weights", weights, "--device", "abacus"
    )
    assert (code, '"abacus" is not a device' in err) == (2, True)


def test_two_images_of_one_name_get_two_masks(tmp_path):
    paths = [tmp_path / "a" / "x.png", tmp_path / "b" / "X.jpg", tmp_path / "c" / "x_2.png"]
    stems = list(output_stems(paths).values())
    assert len({stem.lower() for stem in stems}) == 3
    assert stems[0] == "x"


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (1, 65500), (33, 7)])
def test_the_thinnest_images_are_predicted_and_exported(latentseg, weights, tmp_path, shape):
    generator = np.random.default_rng(0)
    Image.fromarray(generator.integers(0, 255, (*shape, 3), np.uint8)).save(tmp_path / "thin.png")
    arguments = ("predict", tmp_path / "thin.png", "-o", tmp_path / "out", "--weights", weights)
    code, _, err = latentseg(*arguments, "--format", "png,coco,npz,overlay")
    assert code == 0, err
    with Image.open(tmp_path / "out" / "png" / "thin.png") as mask:
        assert mask.size == shape[::-1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_are_in_the_frame_that_is_shown(latentseg, weights, tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.new("RGB", (48, 32), "red").save(tmp_path / "turned.jpg", exif=exif)
    code, _, err = latentseg("predict", tmp_path / "turned.jpg", "-o", tmp_path / "out", "--weights", weights)
    assert code == 0, err
    with Image.open(tmp_path / "out" / "turned.png") as mask:
        assert mask.size == ((48, 32) if orientation < 5 else (32, 48))


def test_every_small_size_is_predicted(weights):
    """I-04: sides 1 to 33, where strides and windows are larger than the image."""
    from model.prediction.predictor import Predictor
    from model.weights.checkpoint import load

    predictor = Predictor(load(weights)[0], "cpu")
    generator = np.random.default_rng(0)
    for rows in range(1, 34):
        for cols in {rows, 34 - rows, 1, 33}:
            predictor.set_image(generator.integers(0, 255, (rows, cols, 3), np.uint8))
            answer = predictor.predict_classes()
            assert answer.labels.shape == answer.confidence.shape == (rows, cols)
