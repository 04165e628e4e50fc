"""IMIS-Net: the official stored outputs, text, the contract at the small size, and weights files."""

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from adapters import MissingWeights, Points, Prediction, Prompt, card, load
from adapters.families.imis import MINI, MINI_VOCABULARY, VIT_B, VOCABULARY, ImisSegmenter
from segmote.imis.network import Imis
from segmote.imis.text import TextConfig, TextTower
from tests.helpers.networks import imis_shapes
from tests.helpers.prompts import BOX, CLICK, CLICKS, TEXT, picture
from tests.helpers.seeded import seed_weights, seeded

FINGERPRINT = "46a3e6c9f74e1699935485c1a48f8a5355e8372a46572132d0a7e794bd5b12fc"
CASES = ("box", "click", "clicks", "box_click", "text", "second_round", "two_boxes")
SIZES = (pytest.param(256, id="256"), pytest.param(1024, id="1024", marks=pytest.mark.slow))


def segmenter_of(network: Imis, name: str = "imis/mini") -> ImisSegmenter:
    return ImisSegmenter(card(name), network, torch.device("cpu"), "fp32")


@pytest.fixture(scope="module")
def network() -> Imis:
    network = Imis(MINI, MINI_VOCABULARY).eval()
    seed_weights(network)
    return network


@pytest.fixture
def mini(network: Imis) -> ImisSegmenter:
    return segmenter_of(network)


@pytest.fixture(scope="module")
def golden(shared: Path, golden_io: ModuleType) -> Any:
    return golden_io.load(shared / "goldens" / "imis.npz")


@pytest.fixture(scope="module")
def values(shared: Path) -> dict[str, torch.Tensor]:
    """Key-seeded weights of the official network without its text tower."""
    state = imis_shapes(VIT_B).state_dict()
    return {key: seeded(key, value) for key, value in state.items() if not key.startswith("text_model.")}


@pytest.fixture(scope="module")
def official(
    request: pytest.FixtureRequest, values: Mapping[str, torch.Tensor], golden: Any
) -> tuple[int, ImisSegmenter, Any]:
    """Input size, seeded model and the golden image, encoded once."""
    network = imis_shapes(replace(VIT_B, image_size=request.param))
    network.text_model = None
    network.load_state_dict(values, assign=True)
    segmenter = segmenter_of(network, "imis/vit_b")
    [encoded] = segmenter.encode([golden.image])
    return request.param, segmenter, encoded


def prompts_of(case: Any, text: str | None, previous: torch.Tensor | None) -> list[Prompt]:
    given = case.prompts
    points = Points(given["point_coords"], given["point_labels"]) if "point_coords" in given else None
    boxes = given.get("boxes", given.get("box", [None]))
    return [Prompt(box=box, points=points, text=text, previous=previous) for box in boxes]


def candidates_of(case: Any) -> tuple[np.ndarray, int]:
    """Stored candidates and their step through the low-resolution grid."""
    if "candidates_f32" in case.extra:
        return case.extra["candidates_f32"][0], 1
    return case.extra["candidates_sample_f32"][0], 8


def decode_case(official: tuple[int, ImisSegmenter, Any], golden: Any, name: str) -> list[Prediction]:
    size, segmenter, encoded = official
    feedback = decode_case(official, golden, "box")[0].feedback if name == "second_round" else None
    prompts = prompts_of(golden.case(f"s{size}_{name}"), "any" if name == "text" else None, feedback)
    return segmenter.decode([(encoded, prompt) for prompt in prompts])


@pytest.mark.parity
@pytest.mark.parametrize("official", SIZES, indirect=True)
@pytest.mark.parametrize("name", CASES)
def test_golden_case(
    official: tuple[int, ImisSegmenter, Any],
    golden: Any,
    golden_io: ModuleType,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pooled = torch.from_numpy(golden.global_arrays()["text_pooled_512"])
    monkeypatch.setattr(official[1], "pooled", lambda names: pooled)
    case = golden.case(f"s{official[0]}_{name}")
    predictions = decode_case(official, golden, name)
    last = predictions[-1]
    masks = np.stack([prediction.mask.numpy() for prediction in predictions])
    report = golden_io.compare(case, low=last.logits.numpy(), iou=last.score, mask=masks, iou_atol=1e-4)
    assert report["ok"], report
    if name != "two_boxes":
        stored, step = candidates_of(case)
        np.testing.assert_allclose(last.candidate_logits.numpy()[:, ::step, ::step], stored, atol=1e-3, rtol=0)
        np.testing.assert_allclose(last.candidate_scores.numpy(), case.extra["iou_all"][0], atol=1e-4, rtol=0)
        assert last.selected == case.info["best"]


@pytest.mark.parity
@pytest.mark.parametrize("official", SIZES, indirect=True)
def test_golden_input_embedding_and_positions(official: tuple[int, ImisSegmenter, Any], golden: Any) -> None:
    size, segmenter, encoded = official
    stored = {name.removeprefix(f"s{size}_"): value for name, value in golden.global_arrays().items()}
    inputs, _ = segmenter.prepare(golden.image)
    pixels, cells = size // 64, size // 256
    np.testing.assert_allclose(inputs.numpy()[:, ::pixels, ::pixels], stored["net_input_sample"], atol=1e-6, rtol=0)
    embedding = encoded.embedding.numpy()
    np.testing.assert_allclose(embedding[:32, ::cells, ::cells], stored["embedding_sample"], atol=1e-4, rtol=0)
    np.testing.assert_allclose([embedding.mean(), embedding.std(ddof=1)], stored["embedding_stats"], atol=1e-5, rtol=0)
    positions = segmenter.network.prompt_encoder.get_dense_pe()[0].numpy()
    np.testing.assert_allclose(positions[::24, ::cells, ::cells], stored["dense_pe_sample"], atol=1e-6, rtol=0)


@pytest.mark.parity
@pytest.mark.parametrize("official", SIZES[:1], indirect=True)
@pytest.mark.parametrize("name", ["box", "click", "clicks", "text"])
def test_golden_tokens_and_semantics(official: tuple[int, ImisSegmenter, Any], golden: Any, name: str) -> None:
    """The network alone, with the stored prompts of its own frame."""
    _, segmenter, encoded = official
    network, case = segmenter.network, golden.case(f"s256_{name}")
    given = {key: torch.from_numpy(value) for key, value in case.prompts.items()}
    points = (given["point_coords_net"][None], given["point_labels"][None]) if "point_coords_net" in given else None
    pooled = torch.from_numpy(golden.global_arrays()["text_pooled_512"]) if name == "text" else None
    text = None if pooled is None else network.text_out_dim(pooled)
    with torch.no_grad():
        sparse, _ = network.prompt_encoder(points, given.get("box_net"), None, text)
        drawn = network.decode(encoded.embedding[None], points, given.get("box_net"), pooled=pooled)
    np.testing.assert_allclose(sparse.detach().numpy(), case.extra["sparse"], atol=1e-5, rtol=0)
    semantic = drawn.semantics[:, 1 + case.info["best"]]
    np.testing.assert_allclose(semantic.numpy(), case.extra["semantic_selected"][:, 0], atol=1e-4, rtol=0)


@pytest.mark.parity
def test_golden_weights_are_the_stored_ones(values: Mapping[str, torch.Tensor]) -> None:
    digest = hashlib.sha256()
    for key, value in sorted(values.items()):
        digest.update(key.encode() + str(tuple(value.shape)).encode() + value.numpy().tobytes())
    assert digest.hexdigest() == FINGERPRINT


@pytest.mark.parity
def test_golden_of_the_text_tower(shared: Path) -> None:
    tower = TextTower(TextConfig()).eval()
    state = {key: seeded(f"text_model.{key}", value) for key, value in tower.state_dict().items()}
    tower.load_state_dict(state)
    with np.load(shared / "goldens" / "imis.npz") as stored, torch.no_grad():
        pooled = tower(torch.from_numpy(stored["clip__input_ids"]))
        np.testing.assert_allclose(pooled.numpy(), stored["clip__pooled"], atol=1e-4, rtol=0)


@pytest.mark.parity
def test_every_stored_case_is_checked(golden: Any) -> None:
    assert golden.case_names == sorted(f"s{size}_{name}" for size in (256, 1024) for name in CASES)


def test_text_without_vocabulary_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = segmenter_of(Imis(MINI, tmp_path / VOCABULARY.file).eval())
    [encoded] = segmenter.encode([picture(40, 64)])
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    segmenter.decode([(encoded, BOX), (encoded, CLICKS)])
    monkeypatch.undo()
    with pytest.raises(
        MissingWeights, match=rf"{VOCABULARY.file}.*bench download imis/vocabulary.*{VOCABULARY.sha256}"
    ):
        segmenter.decode([(encoded, BOX), (encoded, TEXT)])


def test_official_weights_look_for_the_vocabulary_in_the_weights_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    with torch.device("meta"):
        assert ImisSegmenter.build("vit_b").vocabulary == tmp_path / "bpe_simple_vocab_16e6.txt.gz"


def test_an_empty_name_is_refused(mini: ImisSegmenter) -> None:
    [encoded] = mini.encode([picture(40, 64)])
    with pytest.raises(ValueError, match=r"name of a class, got \[' '\]"):
        mini.decode([(encoded, Prompt(text=" "))])


def test_text_changes_the_mask_beside_a_click(mini: ImisSegmenter) -> None:
    [encoded] = mini.encode([picture(40, 64)])
    liver = replace(CLICK, text="liver")
    plain, told, other = mini.decode([(encoded, prompt) for prompt in (CLICK, liver, replace(CLICK, text="lesion"))])
    assert not torch.equal(plain.logits, told.logits)
    assert not torch.equal(told.logits, other.logits)


def test_requests_of_different_images_and_prompts_do_not_disturb_each_other(mini: ImisSegmenter) -> None:
    first, second = mini.encode([picture(40, 64), picture(96, 70)])
    previous = mini.decode([(first, BOX)])[0].feedback
    prompts = (BOX, TEXT, CLICKS, replace(CLICK, text="kidney_left"), Prompt(previous=previous), Prompt(text="aorta"))
    prompts += (replace(CLICKS, box=BOX.box, previous=previous), replace(TEXT, previous=previous), CLICK, TEXT)
    requests = [(image, prompt) for prompt in prompts for image in (first, second)]
    for request, together in zip(requests, mini.decode(requests), strict=True):
        [alone] = mini.decode([request])
        torch.testing.assert_close(together.candidate_logits, alone.candidate_logits, atol=1e-4, rtol=0)
        torch.testing.assert_close(together.candidate_scores, alone.candidate_scores, atol=1e-5, rtol=0)
        assert together.mask.shape == request[0].frame.original


def test_a_prediction_has_three_candidates_and_raw_feedback(mini: ImisSegmenter) -> None:
    [encoded] = mini.encode([picture(40, 64)])
    [prediction] = mini.decode([(encoded, BOX)])
    assert prediction.mask.shape == (40, 64)
    assert prediction.mask.dtype == torch.bool
    assert prediction.candidate_logits.shape == (3, 64, 64)
    assert prediction.selected == int(prediction.candidate_scores.argmax())
    assert torch.equal(prediction.feedback[0], prediction.logits)
    assert torch.equal(mini.masks(encoded, prediction.candidate_logits)[prediction.selected], prediction.mask)
    [single] = mini.decode([(encoded, BOX)], multimask=False)
    assert single.candidate_logits.shape == (1, 64, 64)
    assert not torch.equal(single.logits, prediction.logits)


def test_prompts_are_scaled_by_each_axis(network: Imis, mini: ImisSegmenter) -> None:
    image = picture(40, 64)
    [encoded] = mini.encode([image])
    [prediction] = mini.decode([(encoded, BOX)])
    box = torch.from_numpy(BOX.box * np.array([2, 3.2, 2, 3.2], np.float32))
    with torch.no_grad():
        drawn = network.decode(encoded.embedding[None], boxes=box[None])
    torch.testing.assert_close(prediction.candidate_logits, drawn.logits[0, 1:], atol=1e-4, rtol=0)


def test_one_embedding_serves_all_prompts(network: Imis) -> None:
    embedding, boxes = torch.randn(1, MINI.dim, 16, 16), torch.tensor([[8.0, 8, 90, 60], [1.0, 2, 3, 4]])
    with torch.no_grad():
        once = network.decode(embedding, boxes=boxes)
        twice = network.decode(embedding.expand(2, -1, -1, -1), boxes=boxes)
    assert torch.equal(once.logits, twice.logits)
    assert once.semantics.shape == (2, 4, MINI.semantic)


def test_untrained_pairs_of_prompts_are_known() -> None:
    trained = card("imis/vit_b").trained
    assert all(frozenset({kind}) in trained for kind in ("box", "points", "text"))
    assert frozenset({"box", "points"}) not in trained


def older(key: str) -> str:
    """Names as transformers 5 writes them."""
    return key.replace("text_model.text_model.", "text_model.")


@pytest.mark.parametrize("layout", ["bare", "wrapped", "one level", "position ids", "safetensors"])
def test_a_weights_file_is_loaded_strictly(network: Imis, layout: str, tmp_path: Path) -> None:
    path, state = tmp_path / "IMISNet-B.pth", network.state_dict()
    if layout == "one level":
        state = {older(key): value for key, value in state.items()}
    if layout == "position ids":
        state |= {"text_model.text_model.embeddings.position_ids": torch.arange(77)[None]}
    if layout == "safetensors":
        path = path.with_suffix(".safetensors")
        save_file(state, path)
    else:
        torch.save({"model_state_dict": state, "epoch": 3} if layout == "wrapped" else state, path)
    segmenter = load("imis/mini", weights=path)
    found = segmenter.network.state_dict()
    assert all(torch.equal(found[key], value) for key, value in network.state_dict().items())
    assert segmenter.network.vocabulary == tmp_path / MINI_VOCABULARY.name


def test_a_file_without_text_tower_takes_all_but_text(network: Imis, tmp_path: Path) -> None:
    state = {key: value for key, value in network.state_dict().items() if not key.startswith("text_model.")}
    torch.save(state, tmp_path / "no_text.pth")
    segmenter = load("imis/mini", weights=tmp_path / "no_text.pth")
    [encoded] = segmenter.encode([picture(40, 64)])
    segmenter.decode([(encoded, BOX), (encoded, CLICK)])
    with pytest.raises(MissingWeights, match="no text tower"):
        segmenter.decode([(encoded, TEXT)])


@pytest.mark.parametrize(
    "missing", ["mask_decoder.semantic_tokens.weight", "text_model.text_model.final_layer_norm.bias"]
)
def test_a_file_with_a_gap_is_refused(network: Imis, missing: str, tmp_path: Path) -> None:
    torch.save({key: value for key, value in network.state_dict().items() if key != missing}, tmp_path / "gap.pth")
    with pytest.raises(ValueError, match=f"1 missing: {missing}"):
        load("imis/mini", weights=tmp_path / "gap.pth")


def test_missing_weights_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"IMISNet-B\.pth"):
        load("imis", weights=tmp_path)
