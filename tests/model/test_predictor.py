"""Images in, answers out, and the encoder runs once."""

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.networks.config import NetworkConfig
from model.networks.latent_experts import SegmentationModel
from model.networks.network import LatentExpertNetwork, build_latent_expert
from model.prediction import zoom_in
from model.prediction.predictor import Predictor
from model.zoo.tutorial import TutorialNetwork
from tests.model.plain_network import PlainNetwork
from tests.model.small_predictors import SMALL, picture, predictor_of, small_network


@pytest.fixture(params=["default", "tutorial"])
def predictor(request):
    torch.manual_seed(0)
    network = small_network() if request.param == "default" else TutorialNetwork(num_classes=3)
    predictor = predictor_of(network)
    predictor.set_image(picture())
    return predictor


def test_everything_but_set_image_leaves_the_encoder_alone(monkeypatch):
    runs = []
    encode = LatentExpertNetwork.encode
    monkeypatch.setattr(
        LatentExpertNetwork, "encode", lambda self, image: runs.append(1) or encode(self, image)
    )
    monkeypatch.setattr(zoom_in, "WORTHWHILE", float("inf"))  # a zoom would encode a part once more
    predictor = predictor_of(small_network())
    predictor.set_image(picture())
    _, _, logits = predictor.predict([[5, 5]], [1])
    predictor.predict([[5, 5], [40, 20]], [1, 0], mask_input=logits)
    predictor.predict(box=[3, 4, 30, 40])
    predictor.predict_classes()
    predictor.predict_classes(experts_off=[2])
    predictor.predict_classes(expert_gains={0: 0.5, 3: 2.0})
    predictor.predict_overview(experts_off=[1])
    predictor.attention()
    predictor.prompt_attention([[5, 5]], [1])
    assert len(runs) == predictor.encoder_runs == 1


def test_classes_have_the_shape_and_range_of_the_image(predictor):
    answer = predictor.predict_classes()
    assert answer.labels.shape == answer.confidence.shape == (48, 72)
    assert answer.labels.dtype == np.uint8
    assert answer.labels.max() < 3
    assert answer.confidence.dtype == np.float32
    assert answer.confidence.min() >= 1 / 3 - 1e-6
    assert answer.confidence.max() <= 1


def test_classes_are_those_of_the_network():
    network = small_network()
    predictor = predictor_of(network)
    predictor.set_image(picture())
    with torch.no_grad():
        logits = network(torch.from_numpy(picture()).permute(2, 0, 1)[None].float() / 255)
    answer = predictor.predict_classes()
    assert (answer.labels == logits[0].argmax(0).numpy()).mean() > 0.999
    assert np.allclose(answer.confidence, logits[0].softmax(0).amax(0).numpy(), atol=1e-4)


def test_attention_sums_to_one_at_token_resolution(predictor):
    predictor.set_image(picture(45, 70))
    maps = predictor.attention()
    heads, experts = maps.look.shape[:2]
    assert (heads, experts) == (4, predictor.num_experts)
    assert maps.look.shape == maps.mix.shape == (4, experts, 12, 18)
    assert np.allclose(maps.look.sum((-1, -2)), 1, atol=1e-5)
    assert np.allclose(maps.mix.sum(1), 1, atol=1e-5)
    assert maps.shape == (45, 70)
    assert maps.stride == 4


def test_prompts_are_experts_too():
    predictor = predictor_of(small_network())
    predictor.set_image(picture())
    maps = predictor.prompt_attention([[5, 5], [60, 40]], [1, 0], box=[1, 1, 50, 40])
    assert maps.look.shape[1] == 5 + 2 + 2
    assert np.allclose(maps.mix.sum(1), 1, atol=1e-5)
    assert np.allclose(maps.look.sum((-1, -2)), 1, atol=1e-5)


def test_knocking_out_all_but_one_equals_a_network_with_that_one():
    network = small_network()
    alone = build_latent_expert(
        NetworkConfig(**{**{f: getattr(SMALL, f) for f in SMALL.__slots__}, "num_experts": 1})
    )
    state = network.state_dict()
    state["experts"] = state["experts"][3:4]
    alone.load_state_dict(state)
    one, all_off = predictor_of(alone), predictor_of(network)
    one.set_image(picture())
    all_off.set_image(picture())
    knocked = all_off.predict_overview(experts_off=[0, 1, 2, 4])
    assert np.allclose(one.predict_overview(), knocked, atol=1e-5)
    assert not np.allclose(all_off.predict_overview(), knocked, atol=1e-3)


@pytest.mark.parametrize("gains", [[1, 1, 1, 1, 1], {}, {2: 1.0}])
def test_gains_of_one_change_nothing(gains):
    predictor = predictor_of(small_network())
    predictor.set_image(picture())
    assert np.array_equal(predictor.predict_overview(), predictor.predict_overview(expert_gains=gains))


def test_all_experts_off_still_gives_an_answer(predictor):
    answer = predictor.predict_classes(experts_off=range(predictor.num_experts))
    assert np.isfinite(answer.confidence).all()


@pytest.mark.parametrize(
    ("off", "gains"),
    [([5], None), ([-1], None), ([], {9: 1.0}), ([], [1.0]), ([], {0: -1.0}), ([], {0: float("nan")})],
)
def test_impossible_experts_are_refused(off, gains):
    predictor = predictor_of(small_network())
    predictor.set_image(picture())
    with pytest.raises(ModelError, match="expert"):
        predictor.predict_classes(experts_off=off, expert_gains=gains)


def test_clicked_pixels_always_agree_with_the_mask():
    predictor = predictor_of(small_network())
    predictor.set_image(picture())
    generator = np.random.default_rng(1)
    logits = None
    for count in range(1, 12):
        xy = generator.uniform((0, 0), (72, 48), (count, 2))
        labels = generator.integers(0, 2, count)
        mask, score, logits = predictor.predict(xy, labels, mask_input=logits)
        assert mask.dtype == bool
        assert mask.shape == logits.shape == (48, 72)
        assert 0 <= score <= 1
        for (x, y), label in zip(xy, labels, strict=True):
            assert mask[int(y), int(x)] == bool(label)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3), (31, 33), (32, 32), (33, 5)])
@pytest.mark.parametrize("kind", ["default", "tutorial"])
def test_images_of_any_size(shape, kind):
    predictor = predictor_of(small_network() if kind == "default" else TutorialNetwork())
    predictor.set_image(picture(*shape))
    assert predictor.predict_classes().labels.shape == shape
    assert np.allclose(predictor.attention().look.sum((-1, -2)), 1, atol=1e-5)
    if kind == "default":
        assert predictor.predict([[0.5, 0.5]], [1])[0][0, 0]


def test_bfloat16_tells_nearly_the_same():
    exact, fast = predictor_of(small_network()), Predictor(small_network(), "cpu", dtype=torch.bfloat16)
    exact.set_image(picture())
    fast.set_image(picture())
    assert np.abs(exact.predict_overview() - fast.predict_overview()).max() < 0.05
    assert fast.predict_overview().dtype == np.float32


def test_the_network_given_stays_as_it_is():
    network = small_network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    predictor = Predictor(network, "cpu", dtype=torch.bfloat16)
    predictor.set_image(picture())
    predictor.predict_classes()
    assert network.training
    assert predictor.network is network
    assert all(p.requires_grad for p in network.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_the_tutorials_own_class_can_predict():
    torch.manual_seed(0)
    tutorial = SegmentationModel(num_latents=8)
    predictor = predictor_of(tutorial)
    predictor.set_image(picture(128, 128))
    assert predictor.num_experts == 8
    assert predictor.predict_classes().labels.shape == (128, 128)
    with pytest.raises(ModelError, match="cannot answer clicks"):
        predictor.predict([[1, 1]], [1])


def test_encodings_can_be_kept_and_set_again():
    predictor = predictor_of(small_network())
    first = predictor.set_image(picture(seed=1))
    expected = predictor.predict_overview()
    predictor.set_image(picture(40, 40, seed=2))
    predictor.encoding = first
    assert np.array_equal(predictor.predict_overview(), expected)
    assert predictor.encoder_runs == 2
    assert first.nbytes > 10_000


def test_encodings_of_other_weights_are_refused():
    one, other = predictor_of(small_network(1)), predictor_of(small_network(2))
    image = one.set_image(picture())
    with pytest.raises(ModelError, match="other weights"):
        other.encoding = image


def test_questions_before_an_image_are_refused():
    with pytest.raises(ModelError, match="no image"):
        predictor_of(PlainNetwork()).predict_classes()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), r"\(image \* 255\)"),
        (np.zeros((4, 4, 3), np.uint16), "Stretch"),
        (np.zeros((4, 4), bool), r"\* 255"),
        (np.zeros((4, 4, 4), np.uint8), "alpha"),
        (np.zeros((3, 4, 5), np.uint8), "moveaxis"),
        (np.zeros((2, 4, 4, 3), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (np.zeros(3, np.uint8), "shape"),
        ([[1]], "NumPy array"),
        (None, "NumPy array"),
    ],
)
def test_what_is_no_image_is_refused_with_advice(image, message):
    with pytest.raises(ModelError, match=message):
        predictor_of(PlainNetwork()).set_image(image)


def test_grey_and_read_only_images_are_taken():
    predictor = predictor_of(PlainNetwork())
    grey = picture()[:, :, 0]
    for image in (grey, grey[:, :, None]):
        predictor.set_image(image)
        assert np.array_equal(predictor.predict_classes().labels, grey > 127)
    frozen = picture()
    frozen.flags.writeable = False
    predictor.set_image(frozen[:, ::-1])
    assert np.array_equal(predictor.predict_classes().labels, frozen[:, ::-1, 0] > 127)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"point_coords": [[1, 1]]},
        {"point_coords": [[1, 1]], "point_labels": [1, 0]},
        {"point_coords": [[1, 1]], "point_labels": [2]},
        {"point_coords": [[-1, 1]], "point_labels": [1]},
        {"point_coords": [[1, 99]], "point_labels": [1]},
        {"point_coords": [[float("nan"), 1]], "point_labels": [1]},
        {"box": [1, 2, 3]},
        {"box": [1, 2, 1, 9]},
        {"box": [float("nan"), 2, 3, 4]},
        {"mask_input": np.zeros((2, 3, 4))},
        {"mask_input": np.full((4, 4), np.nan)},
    ],
    ids=str,
)
def test_impossible_prompts_are_refused(arguments):
    predictor = predictor_of(PlainNetwork())
    predictor.set_image(picture())
    with pytest.raises(ModelError):
        predictor.predict(**arguments)


def test_expert_vectors_belong_to_the_image(predictor):
    first = predictor.expert_vectors()
    assert first.shape[0] == predictor.num_experts
    assert first.dtype == np.float32
    predictor.set_image(picture(seed=5))
    assert not np.allclose(first, predictor.expert_vectors())


def test_encodings_survive_a_retreat_to_the_cpu():
    predictor = Predictor(small_network(), "cpu", dtype=torch.bfloat16)
    kept = predictor.set_image(picture())
    before = predictor.predict_overview()
    predictor._runner._retreat()
    predictor.encoding = kept
    assert np.array_equal(predictor.predict_overview(), before)
    assert predictor.device.is_fallback


def several(seed=0):
    """A network that knows three meanings of a click."""
    torch.manual_seed(seed)
    network = build_latent_expert(SMALL, num_candidates=2).eval()
    for candidate in network.click.candidates:  # as if it had learned something
        for turn in candidate.turns:
            torch.nn.init.normal_(turn.weight, std=0.3)
    return network


def test_a_click_is_answered_with_what_else_it_may_mean():
    predictor = predictor_of(several())
    predictor.set_image(picture())
    masks, scores, logits = predictor.predict([[20, 20]], [1], multimask_output=True)
    assert len(masks) >= 3, "the whole, a part, and perhaps what stands out"
    assert (masks.dtype, masks.shape[1:]) == (bool, (48, 72))
    assert (scores.dtype, scores.shape) == (np.float32, (len(masks),))
    assert logits.shape == (len(masks), *predictor.predict([[20, 20]], [1])[2].shape)
    assert masks[:, 20, 20].all(), "each agrees with the click"
    assert ((scores >= 0) & (scores <= 1)).all()
    assert not np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[1], logits[2])
    alone, score, own = predictor.predict([[20, 20]], [1])
    assert np.array_equal(masks[0], alone), "the first is what is answered otherwise"
    assert scores[0] == pytest.approx(score)
    assert np.array_equal(logits[0], own)


def test_a_further_click_goes_on_from_the_meaning_that_was_chosen():
    predictor = predictor_of(several())
    predictor.set_image(picture())
    masks, _, logits = predictor.predict([[20, 20]], [1], multimask_output=True)
    for mask, own in zip(masks, logits, strict=True):
        row, col = np.argwhere(~mask)[0]
        more, _, _ = predictor.predict([[20, 20], [col + 0.5, row + 0.5]], [1, 1], mask_input=own)
        assert more[row, col]
        assert not (mask & ~more).any(), "one more click on the object takes nothing away from it"


def test_weights_that_never_learned_other_meanings_answer_with_one():
    predictor = predictor_of(small_network())
    predictor.set_image(picture())
    masks, scores, logits = predictor.predict([[20, 20]], [1], multimask_output=True)
    assert (len(masks), len(scores), len(logits)) == (1, 1, 1)
    assert np.array_equal(masks[0], predictor.predict([[20, 20]], [1])[0])


def test_other_meanings_leave_the_view_of_the_first_in_place():
    predictor = predictor_of(several())
    predictor.set_image(picture(400, 600))
    *_, logits = predictor.predict([[200, 200]], [1])
    runs = predictor.encoder_runs
    predictor.predict([[200, 200], [210, 200]], [1, 1], mask_input=logits)
    as_it_is = predictor.encoder_runs - runs
    predictor.set_image(picture(400, 600))
    _, _, all_logits = predictor.predict([[200, 200]], [1], multimask_output=True)
    runs = predictor.encoder_runs
    predictor.predict([[200, 200], [210, 200]], [1, 1], mask_input=all_logits[0])
    assert predictor.encoder_runs - runs == as_it_is
