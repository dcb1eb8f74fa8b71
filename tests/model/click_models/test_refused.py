"""Files that are no click model, or a hostile one, are refused with a sentence, and never run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper  # noqa: E402

from model.click_models import graphs, session  # noqa: E402
from model.click_models.click_model import ClickModel  # noqa: E402
from model.click_models.graphs import read_graph  # noqa: E402
from model.errors import ModelError, WeightsError  # noqa: E402
from tests.model.click_models import small  # noqa: E402


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.sam(tmp_path_factory.mktemp("sam"))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "pair"))


def changed(path: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)


def test_what_is_no_onnx_file(folder: Path) -> None:
    decoder = folder / "mobile_sam.decoder.onnx"
    whole = decoder.read_bytes()
    for content in (b"", b"not a model", b"PK\x03\x04" + bytes(200), whole[: len(whole) // 2]):
        decoder.write_bytes(content)
        with pytest.raises(WeightsError, match=r"mobile_sam.decoder.onnx.*cannot be used as a click model"):
            ClickModel.open(folder)


def test_every_cut_is_refused_or_works(folder: Path) -> None:
    decoder = folder / "mobile_sam.decoder.onnx"
    whole = decoder.read_bytes()
    for end in range(0, len(whole), max(1, len(whole) // 25)):
        decoder.write_bytes(whole[:end])
        with pytest.raises(ModelError):
            ClickModel.open(folder)


def test_folders_without_a_pair(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(WeightsError, match="no ONNX files"):
        ClickModel.open(empty)
    with pytest.raises(WeightsError, match="cannot be read"):
        ClickModel.open(tmp_path / "nowhere.onnx")
    small.sam(folder, stem="another")
    with pytest.raises(WeightsError, match="2 encoders and 2 decoders"):
        ClickModel.open(folder)
    (folder / "another.encoder.onnx").unlink()
    (folder / "another.decoder.onnx").unlink()
    (folder / "mobile_sam.encoder.onnx").unlink()
    with pytest.raises(WeightsError, match="0 encoders and 1 decoders"):
        ClickModel.open(folder)
    with pytest.raises(WeightsError, match="not beside it"):
        ClickModel.open(folder / "mobile_sam.decoder.onnx")


def test_parts_of_different_models(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    small.export(other / "e.onnx", small.Pooled((8,)), {"images": small.IMAGE}, ["image_embeddings"])
    with pytest.raises(WeightsError, match=r"asks for image_embeddings .*“e.onnx” gives"):
        ClickModel.open(other / "e.onnx", folder / "mobile_sam.decoder.onnx")
    with pytest.raises(WeightsError, match="both take clicks"):
        ClickModel.open(folder / "mobile_sam.decoder.onnx", folder / "mobile_sam.decoder.onnx")


def test_another_network_is_no_click_model(tmp_path: Path) -> None:
    small.export(tmp_path / "net.onnx", small.Pooled(), {"image": small.IMAGE}, ["logits"])
    shutil.copy(tmp_path / "net.onnx", tmp_path / "net2.onnx")
    with pytest.raises(
        WeightsError, match=r"decoder is not beside it\. Put encoder and decoder into one folder"
    ):
        ClickModel.open(tmp_path / "net.onnx")


def test_custom_operators_are_named_and_refused(folder: Path) -> None:
    def add_custom(model: onnx.ModelProto) -> None:
        model.graph.node.append(helper.make_node("Evil", ["point_coords"], ["unused"], domain="ai.evil"))
        model.opset_import.append(helper.make_opsetid("ai.evil", 1))

    changed(folder / "mobile_sam.decoder.onnx", add_custom)
    with pytest.raises(WeightsError, match=r"operator “Evil” of “ai\.evil”"):
        ClickModel.open(folder)


def test_custom_operators_inside_branches_are_found(folder: Path) -> None:
    def add_branch(model: onnx.ModelProto) -> None:
        out = helper.make_tensor_value_info("o", TensorProto.FLOAT, None)
        node = helper.make_node("Evil", ["point_coords"], ["o"], domain="ai.evil")
        branch = helper.make_graph([node], "branch", [], [out])
        model.graph.initializer.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
        both = {"then_branch": branch, "else_branch": branch}
        model.graph.node.append(helper.make_node("If", ["yes"], ["unused"], **both))

    changed(folder / "mobile_sam.decoder.onnx", add_branch)
    with pytest.raises(WeightsError, match="operator “Evil”"):
        read_graph(folder / "mobile_sam.decoder.onnx")


def with_data_in(location: str) -> Callable[[onnx.ModelProto], None]:
    def add(model: onnx.ModelProto) -> None:
        tensor = helper.make_tensor("numbers", TensorProto.FLOAT, [4], [0.0] * 4)
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", "16")):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        model.graph.initializer.append(tensor)

    return add


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../secret.bin", "a/../../secret.bin", "", "..\\secret.bin"]
)
def test_data_outside_of_the_folder_are_not_read(location: str, folder: Path) -> None:
    (folder.parent / "secret.bin").write_bytes(bytes(16))
    changed(folder / "mobile_sam.decoder.onnx", with_data_in(location))
    with pytest.raises(WeightsError, match="outside of its folder"):
        ClickModel.open(folder)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_a_link_does_not_lead_out_either(folder: Path) -> None:
    (folder.parent / "secret.bin").write_bytes(bytes(16))
    (folder / "data.bin").symlink_to(folder.parent / "secret.bin")
    changed(folder / "mobile_sam.decoder.onnx", with_data_in("data.bin"))
    with pytest.raises(WeightsError, match="outside of its folder"):
        ClickModel.open(folder)


def test_data_that_are_missing_or_too_short(folder: Path) -> None:
    changed(folder / "mobile_sam.decoder.onnx", with_data_in("data.bin"))
    with pytest.raises(WeightsError, match=r"“data\.bin” is missing"):
        ClickModel.open(folder)
    (folder / "data.bin").write_bytes(bytes(8))
    with pytest.raises(WeightsError, match="too short"):
        ClickModel.open(folder)
    (folder / "data.bin").write_bytes(bytes(16))
    assert ClickModel.open(folder).name == "mobile_sam"


def test_absurd_sizes_are_refused_before_reading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "MAX_FILE_BYTES", 1000)
    with pytest.raises(WeightsError, match="at most 1,000 are taken"):
        ClickModel.open(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    (folder / "mobile_sam.decoder.onnx").unlink()
    os.mkfifo(folder / "mobile_sam.decoder.onnx")
    with pytest.raises(WeightsError, match="it is not a file"):
        ClickModel.open(folder)


def endless(model: onnx.ModelProto) -> None:
    """A loop of 10^12 rounds before the first output of the encoder."""
    keep = helper.make_tensor_value_info("keep", TensorProto.BOOL, [])
    went = helper.make_tensor_value_info("went", TensorProto.BOOL, [])
    now = helper.make_tensor_value_info("now", TensorProto.FLOAT, None)
    then = helper.make_tensor_value_info("then", TensorProto.FLOAT, None)
    number = helper.make_tensor_value_info("number", TensorProto.INT64, [])
    nodes = [helper.make_node("Identity", ["keep"], ["went"]), helper.make_node("Sin", ["now"], ["then"])]
    body = helper.make_graph(nodes, "body", [number, keep, now], [went, then])
    model.graph.initializer.append(helper.make_tensor("rounds", TensorProto.INT64, [], [10**12]))
    model.graph.initializer.append(helper.make_tensor("go_on", TensorProto.BOOL, [], [True]))
    last = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["first" if each == last else each for each in node.output]
    model.graph.node.append(helper.make_node("Loop", ["rounds", "go_on", "first"], [last], body=body))


def test_a_graph_that_never_ends_is_stopped(folder: Path) -> None:
    changed(folder / "mobile_sam.encoder.onnx", endless)
    with pytest.raises(ModelError, match="did not answer within 1 s"):
        ClickModel.open(folder, seconds=1)


def test_masks_that_are_no_numbers(folder: Path) -> None:
    def spoil(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            node.output[:] = ["before" if each == "low_res_masks" else each for each in node.output]
            node.input[:] = ["before" if each == "low_res_masks" else each for each in node.input]
        model.graph.initializer.append(helper.make_tensor("none", TensorProto.FLOAT, [], [float("nan")]))
        model.graph.node.append(helper.make_node("Add", ["before", "none"], ["low_res_masks"]))

    changed(folder / "mobile_sam.decoder.onnx", spoil)
    with pytest.raises(WeightsError, match="no usable masks"):
        ClickModel.open(folder)


def test_a_fixed_number_of_points(tmp_path: Path) -> None:
    small.export(tmp_path / "e_encoder.onnx", small.Pooled(), {"image": small.IMAGE}, ["image_embeddings"])
    inputs = {"image_embeddings": small.FEATURES, "point_coords": small.COORDS, "point_labels": small.LABELS}
    small.export(tmp_path / "e_decoder.onnx", small.LowDecoder(), inputs, ["scores", "masks"])
    model = ClickModel.open(tmp_path)
    import numpy as np

    model.set_image(np.full((64, 64, 3), 100, np.uint8))
    assert model.predict([[5.0, 5.0], [6.0, 6.0], [7.0, 7.0]], [1, 1, 1])[0].shape == (64, 64)
    with pytest.raises(ModelError, match="takes 3 points"):
        model.predict([[float(i), 5.0] for i in range(4)], [1] * 4)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_the_extra_it_says_what_to_install(
    missing: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(WeightsError, match=r'pip install "latentseg\[onnx\]"'):
        ClickModel.open(folder)
    assert session.NEEDED == graphs.NEEDED
