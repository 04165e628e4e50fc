"""SegMoTE behind the interface at the small size: the contract, no prompt at all, and weights files."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import adapters
from adapters import MissingWeights, Prediction, Prompt, load
from adapters.families.imis import MINI_VOCABULARY
from adapters.families.segmote import CONFIGS, MINI, SegmoteSegmenter
from segmote.network.model import Segmote
from segmote.network.official_names import LEGACY_NAMES, is_unused
from tests.helpers.prompts import BOX, CLICK, CLICKS, TEXT, picture
from tests.helpers.seeded import seed_weights

AUTO = Prompt()


@pytest.fixture(scope="module")
def network() -> Segmote:
    network = Segmote(MINI, MINI_VOCABULARY).eval()
    seed_weights(network)
    torch.nn.init.normal_(network.mask_decoder.expert_tokens.weight, generator=torch.Generator().manual_seed(0))
    return network


@pytest.fixture(scope="module")
def mini(network: Segmote) -> SegmoteSegmenter:
    return SegmoteSegmenter(adapters.card("segmote/mini"), network, torch.device("cpu"), "fp32")


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(adapters.REGISTRY, "segmote/mini", "adapters.families.segmote:SegmoteSegmenter")


def assert_same(first: Prediction, second: Prediction) -> None:
    torch.testing.assert_close(first.candidate_logits, second.candidate_logits, atol=1e-4, rtol=0)
    torch.testing.assert_close(first.candidate_scores, second.candidate_scores, atol=1e-5, rtol=0)
    assert first.selected == second.selected
    assert first.score == pytest.approx(second.score, abs=1e-5)


# The contract.


@pytest.mark.parametrize("multimask", [None, True, False])
def test_requests_of_different_images_and_prompts_do_not_disturb_each_other(
    mini: SegmoteSegmenter, multimask: bool | None
) -> None:
    first, second = mini.encode([picture(40, 64), picture(96, 70)])
    previous = mini.decode([(first, AUTO)])[0].feedback
    prompts = (BOX, AUTO, TEXT, CLICKS, Prompt(previous=previous), Prompt(text="aorta"), CLICK, AUTO)
    prompts += (replace(CLICKS, box=BOX.box, previous=previous), replace(TEXT, previous=previous))
    requests = [(image, prompt) for prompt in prompts for image in (first, second)]
    for request, together in zip(requests, mini.decode(requests, multimask=multimask), strict=True):
        assert_same(together, mini.decode([request], multimask=multimask)[0])
        assert together.mask.shape == request[0].frame.original


def test_encoding_together_is_like_one_by_one(mini: SegmoteSegmenter) -> None:
    images = [picture(40, 64), picture(96, 70)]
    for image, together in zip(images, mini.encode(images), strict=True):
        [alone] = mini.encode([image])
        torch.testing.assert_close(together.embedding, alone.embedding, atol=1e-5, rtol=0)
        torch.testing.assert_close(together.details, alone.details, atol=1e-5, rtol=0)


def test_a_prediction_is_the_routed_mask(mini: SegmoteSegmenter) -> None:
    [encoded] = mini.encode([picture(40, 64)])
    [one] = mini.decode([(encoded, BOX)])
    [all_of_them] = mini.decode([(encoded, BOX)], multimask=True)
    drawn = mini.draw([(encoded, BOX)])
    assert one.candidate_logits.shape == (1, 64, 64)
    assert one.selected == 0
    assert one.score == float(one.candidate_scores[0])
    assert all_of_them.candidate_logits.shape == (MINI.num_experts, 64, 64)
    assert all_of_them.selected == int(drawn.token) == int(all_of_them.candidate_scores.argmax())
    assert all_of_them.score == pytest.approx(one.score)
    torch.testing.assert_close(all_of_them.logits, one.logits)
    assert torch.equal(one.feedback[0], one.logits)
    assert one.mask.shape == (40, 64)
    assert not one.logits.requires_grad


def test_what_is_drawn_has_a_row_for_each_request(mini: SegmoteSegmenter) -> None:
    first, second = mini.encode([picture(40, 64), picture(96, 70)])
    drawn = mini.draw([(first, BOX), (second, BOX)])
    for row, image in enumerate((first, second)):
        torch.testing.assert_close(drawn.mask[row], mini.draw([(image, BOX)]).mask[0], atol=1e-4, rtol=0)


def test_prompts_are_scaled_by_each_axis(network: Segmote, mini: SegmoteSegmenter) -> None:
    [encoded] = mini.encode([picture(40, 64)])
    [prediction] = mini.decode([(encoded, BOX)])
    box = torch.from_numpy(BOX.box * np.array([2, 3.2, 2, 3.2], np.float32))
    with torch.no_grad():
        drawn = network.decode(encoded.embedding[None], boxes=box[None], details=encoded.details[None])
    torch.testing.assert_close(prediction.candidate_logits, drawn.mask[0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (1, 40)])
def test_odd_sizes(mini: SegmoteSegmenter, shape: tuple[int, int]) -> None:
    [encoded] = mini.encode([picture(*shape)])
    assert mini.decode([(encoded, AUTO)])[0].mask.shape == shape


# No prompt.


def test_auto_needs_no_prompt_and_sees_the_image(network: Segmote, mini: SegmoteSegmenter) -> None:
    first, second = mini.encode([picture(40, 64), picture(96, 70)])
    [prediction, other] = mini.decode([(first, AUTO), (second, AUTO)])
    with torch.no_grad():
        drawn = network.decode(first.embedding[None], details=first.details[None], ppt=True)
        silent = network.decode(first.embedding[None], details=first.details[None])
    torch.testing.assert_close(prediction.logits, drawn.mask[0, 0], atol=1e-4, rtol=0)
    assert not torch.allclose(prediction.logits, silent.mask[0, 0], atol=1e-3)
    assert not torch.allclose(prediction.logits, other.logits, atol=1e-3)


def test_a_later_round_without_prompt_still_has_ppt(network: Segmote, mini: SegmoteSegmenter) -> None:
    [encoded] = mini.encode([picture(40, 64)])
    [first] = mini.decode([(encoded, AUTO)])
    [second] = mini.decode([(encoded, Prompt(previous=first.feedback))])
    with torch.no_grad():
        drawn = network.decode(
            encoded.embedding[None], masks=first.feedback[None], details=encoded.details[None], ppt=True
        )
    torch.testing.assert_close(second.logits, drawn.mask[0, 0], atol=1e-4, rtol=0)


def test_cards_say_what_was_trained() -> None:
    for variant in CONFIGS:
        card = adapters.card(f"segmote/{variant}")
        assert card.was_trained_on(AUTO.kinds)
        assert card.accepts == {"box", "points", "mask", "text", "auto"}
        assert not card.was_trained_on(frozenset({"box", "points"}))
    mini = adapters.card("segmote/mini")
    assert mini.parameters == sum(value.numel() for value in SegmoteSegmenter.build("mini").parameters())


def test_the_familys_name_means_the_released_variant() -> None:
    assert adapters.full_name("segmote") == "segmote/released"


# Weights files.


def legacy(key: str) -> str:
    for old, new in LEGACY_NAMES.items():
        if key.startswith(f"{new}."):
            return f"module.{old}{key.removeprefix(new)}"
    return f"module.{key}"


@pytest.mark.parametrize("layout", ["official", "legacy", "without unused", "one level", "safetensors"])
@pytest.mark.usefixtures("registered")
def test_a_weights_file_is_loaded_strictly(network: Segmote, layout: str, tmp_path: Path) -> None:
    path, state = tmp_path / "segmote.pth", network.state_dict()
    if layout == "legacy":
        state = {legacy(key): value for key, value in state.items()}
        assert "module.mask_decoder.hq_token.weight" in state
    if layout == "without unused":
        state = {key: value for key, value in state.items() if not is_unused(key)}
    if layout == "one level":
        state = {key.replace("text_model.text_model.", "text_model."): value for key, value in state.items()}
    if layout == "safetensors":
        path = path.with_suffix(".safetensors")
        save_file(state, path)
    else:
        torch.save({"model_state_dict": state}, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segmenter = load("segmote/mini", weights=path)
    found = segmenter.network.state_dict()
    kept = [key for key in found if layout != "without unused" or not is_unused(key)]
    assert all(torch.equal(found[key], network.state_dict()[key]) for key in kept)
    assert segmenter.network.vocabulary == tmp_path / MINI_VOCABULARY.name


@pytest.mark.usefixtures("registered")
def test_a_file_without_text_tower_takes_all_but_text(network: Segmote, tmp_path: Path) -> None:
    state = {key: value for key, value in network.state_dict().items() if not key.startswith("text_model.")}
    torch.save({"model_state_dict": state}, tmp_path / "no_text.pth")
    segmenter = load("segmote/mini", weights=tmp_path / "no_text.pth")
    [encoded] = segmenter.encode([picture(40, 64)])
    segmenter.decode([(encoded, BOX), (encoded, AUTO)])
    with pytest.raises(MissingWeights, match="no text tower"):
        segmenter.decode([(encoded, TEXT)])


@pytest.mark.parametrize(
    "missing", ["mask_decoder.expert_tokens.weight", "mask_decoder.transformer.layers.1.dte_token.bias"]
)
@pytest.mark.usefixtures("registered")
def test_a_file_with_a_gap_is_refused(network: Segmote, missing: str, tmp_path: Path) -> None:
    torch.save({key: value for key, value in network.state_dict().items() if key != missing}, tmp_path / "gap.pth")
    with pytest.raises(ValueError, match=f"1 missing: {missing}"):
        load("segmote/mini", weights=tmp_path / "gap.pth")


@pytest.mark.usefixtures("registered")
def test_a_file_with_something_unknown_is_refused(network: Segmote, tmp_path: Path) -> None:
    torch.save({**network.state_dict(), "mask_decoder.surprise": torch.ones(1)}, tmp_path / "more.pth")
    with pytest.raises(ValueError, match=r"1 unexpected: mask_decoder\.surprise"):
        load("segmote/mini", weights=tmp_path / "more.pth")


@pytest.mark.usefixtures("registered")
def test_routers_of_zeros_are_warned_of(network: Segmote, tmp_path: Path) -> None:
    state = {
        key: torch.zeros_like(value) if key.endswith(("w_gate_token", "w_noise_token")) else value
        for key, value in network.state_dict().items()
    }
    torch.save({"model_state_dict": state}, tmp_path / "segmote.pth")
    with pytest.warns(UserWarning, match=r"segmote\.pth: all routers are zero"):
        segmenter = load("segmote/mini", weights=tmp_path / "segmote.pth")
    [encoded] = segmenter.encode([picture(40, 64)])
    assert segmenter.decode([(encoded, BOX)], multimask=True)[0].selected == 0


def test_missing_weights_name_the_file(tmp_path: Path) -> None:
    for name in ("segmote", "segmote/paper"):
        with pytest.raises(MissingWeights, match=r"segmote\.pth"):
            load(name, weights=tmp_path)
