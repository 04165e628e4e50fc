"""SegMoTE against the official code's stored outputs: images, routers, gradients, names and counts."""

import gc
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from adapters import Points, Prompt, card
from adapters.families.segmote import SegmoteSegmenter
from segmote.network.config import PAPER, RELEASED, GateMode, SegmoteConfig
from segmote.network.expert_decoder import ExpertMasks
from segmote.network.experts import TokenExperts
from segmote.network.heat_maps import expert_maps, token_maps, watched
from segmote.network.model import Segmote
from segmote.network.router import gate_values, largest
from segmote.training import losses
from tests.helpers.networks import shapes_only
from tests.helpers.seeded import seeded

pytestmark = pytest.mark.parity
FINGERPRINT = "c9605d4445999c537764fff3ac70168cd8ffcd54b0e699356a33af8fde2aa179"
CASES = ("box", "click", "clicks", "box_click", "text", "second_round", "ppt_none", "ppt_mask", "ppt_text")
STRONGER = {"mask_decoder.expert_tokens.weight": 1.0, "w_gate_token": 0.05, "w_noise_token": 0.05}
GATES: dict[str, GateMode] = {"v1": "topk_softmax", "v2": "straight_through"}


def seeded_segmote(key: str, value: torch.Tensor) -> torch.Tensor:
    """The goldens' weights: the common rule, but louder experts and routers."""
    if ".layers." in key and key.endswith((".mean", ".std")):
        return torch.full((1,), float(key.endswith(".std")))
    for suffix, scale in STRONGER.items():
        if key.endswith(suffix):
            seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
            z = np.random.default_rng(seed).standard_normal(tuple(value.shape)).astype(np.float32)
            return torch.from_numpy(z * np.float32(scale))
    return seeded(key, value)


@pytest.fixture(scope="module")
def golden(shared: Path, golden_io: ModuleType) -> Any:
    return golden_io.load(shared / "goldens" / "segmote.npz")


@pytest.fixture(scope="module")
def stored(shared: Path) -> Mapping[str, np.ndarray]:
    with np.load(shared / "goldens" / "segmote.npz") as file:
        return {key: file[key] for key in file.files}


@pytest.fixture(scope="module")
def values() -> dict[str, torch.Tensor]:
    """Key-seeded weights of the official network without its text tower."""
    state = shapes_only().state_dict()
    return {key: seeded_segmote(key, value) for key, value in state.items() if not key.startswith("text_model.")}


@pytest.fixture(scope="module")
def official(values: Mapping[str, torch.Tensor], golden: Any) -> Iterator[tuple[SegmoteSegmenter, Any]]:
    """The seeded model and the golden image, encoded once."""
    network = shapes_only()
    network.text_model = None
    network.load_state_dict(values, assign=True)
    segmenter = SegmoteSegmenter(card("segmote/released"), network.eval(), torch.device("cpu"), "fp32")
    [encoded] = segmenter.encode([golden.image])
    yield segmenter, encoded
    del segmenter, encoded
    gc.collect()


def close(actual: Any, expected: np.ndarray, atol: float = 1e-4, rtol: float = 0) -> None:
    actual = actual.detach().numpy() if isinstance(actual, torch.Tensor) else np.asarray(actual)
    np.testing.assert_allclose(actual.reshape(expected.shape), expected, atol=atol, rtol=rtol)


def prompt_of(golden: Any, name: str) -> Prompt:
    given = golden.case(name).prompts
    previous = {"second_round": "box", "ppt_mask": "click"}.get(name)
    return Prompt(
        box=given["box"][0] if "box" in given else None,
        points=Points(given["point_coords"], given["point_labels"]) if "point_coords" in given else None,
        text="any" if name == "text" else None,
        previous=None if previous is None else torch.from_numpy(golden.case(previous).extra["lowres_f32"][0]),
    )


def pooled_of(golden: Any) -> torch.Tensor:
    return torch.from_numpy(golden.global_arrays()["text_pooled_512"])


@pytest.fixture(scope="module")
def drawn(official: tuple[SegmoteSegmenter, Any], golden: Any) -> Mapping[str, ExpertMasks]:
    """Every case, drawn once."""
    segmenter, encoded = official
    told = {"details": encoded.details[None], "pooled": pooled_of(golden), "ppt": True}
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(segmenter, "pooled", lambda names: pooled_of(golden))
        passes = {name: segmenter.draw([(encoded, prompt_of(golden, name))]) for name in CASES if name != "ppt_text"}
        # Behind the interface PPT is silent beside a text; the network takes both.
        return passes | {"ppt_text": segmenter.network.decode(encoded.embedding[None], **told)}


@pytest.mark.parametrize("name", CASES)
def test_golden_case(
    official: tuple[SegmoteSegmenter, Any],
    drawn: Mapping[str, ExpertMasks],
    golden: Any,
    golden_io: ModuleType,
    name: str,
) -> None:
    segmenter, encoded = official
    case, drawn = golden.case(name), drawn[name]
    mask = segmenter.masks(encoded, drawn.mask[0])
    report = golden_io.compare(case, drawn.mask.numpy(), drawn.score.numpy(), mask.numpy(), atol=5e-4, iou_atol=1e-4)
    assert report["ok"], report
    assert drawn.token.tolist() == case.extra["selected_token"].tolist()
    close(drawn.scores[:, 1:], case.extra["iou_all"])
    close(drawn.semantic, case.extra["semantic_selected"])
    close(losses.balance_loss(drawn.routings, RELEASED), case.extra["balance_loss"], atol=1e-6)
    step = 1 if "candidates_f32" in case.extra else 8
    candidates = case.extra["candidates_f32" if step == 1 else "candidates_sample_f32"]
    close(drawn.logits[:, 1:, ::step, ::step], candidates, atol=5e-4)


@pytest.mark.parametrize("name", ["box_click", "text", "second_round", "ppt_none", "ppt_mask"])
def test_golden_case_through_the_interface(
    official: tuple[SegmoteSegmenter, Any],
    golden: Any,
    golden_io: ModuleType,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    segmenter, encoded = official
    monkeypatch.setattr(segmenter, "pooled", lambda names: pooled_of(golden))
    [prediction] = segmenter.decode([(encoded, prompt_of(golden, name))])
    report = golden_io.compare(
        golden.case(name), prediction.logits.numpy(), prediction.score, prediction.mask.numpy(), atol=5e-4
    )
    assert report["ok"], report


def test_golden_two_boxes(official: tuple[SegmoteSegmenter, Any], golden: Any, golden_io: ModuleType) -> None:
    segmenter, encoded = official
    case = golden.case("two_boxes")
    predictions = segmenter.decode([(encoded, Prompt(box=box)) for box in case.prompts["boxes"]])
    masks = np.stack([prediction.mask.numpy() for prediction in predictions])
    last = predictions[-1]
    report = golden_io.compare(case, last.logits.numpy(), last.score, masks, atol=5e-4, iou_atol=1e-4)
    assert report["ok"], report


def test_golden_pass_without_experts(
    official: tuple[SegmoteSegmenter, Any], golden: Any, golden_io: ModuleType
) -> None:
    segmenter, encoded = official
    case = golden.case("inter_true_box")
    box = torch.from_numpy(case.prompts["box_net"])
    with torch.no_grad():
        drawn = segmenter.network.decode(encoded.embedding[None], boxes=box, details=encoded.details[None], mote=False)
    mask = segmenter.masks(encoded, drawn.mask[0]).numpy()
    report = golden_io.compare(case, drawn.mask.numpy(), drawn.score.numpy(), mask, atol=5e-4, iou_atol=1e-4)
    assert report["ok"], report
    assert drawn.routings == ()
    close(drawn.logits[:, 1:, ::8, ::8], case.extra["candidates_sample_f32"], atol=5e-4)


@pytest.mark.parametrize("name", CASES)
def test_golden_routing(drawn: Mapping[str, ExpertMasks], golden: Any, name: str) -> None:
    extra = golden.case(name).extra
    for layer, routing in enumerate(drawn[name].routings):
        there = {key.removeprefix(f"L{layer}_"): value for key, value in extra.items() if key.startswith(f"L{layer}_")}
        close(routing.clean_logits, there["clean_logits"])
        close(routing.gates, there["gates"], atol=1e-6)
        assert routing.experts.flatten().tolist() == there["expert_idx"].tolist()
        assert routing.token.tolist() == there["token_idx"].tolist()
        close(losses.load(routing, RELEASED), there["load"], atol=1e-6)
        close(losses.importance(routing, RELEASED), there["importance"], atol=1e-6)
        terms = losses.layer_balance(routing, RELEASED)
        close(torch.stack([*terms, sum(terms)]), there["balance"], atol=1e-5)


@pytest.mark.parametrize("name", ["box", "click", "ppt_none"])
def test_golden_expert_tokens(
    official: tuple[SegmoteSegmenter, Any], stored: Mapping[str, np.ndarray], name: str
) -> None:
    for index, layer in enumerate(official[0].network.mask_decoder.transformer.layers):
        with torch.no_grad():
            updated, _ = layer.update(torch.from_numpy(stored[f"{name}__L{index}_router_in"]), None)
        close(updated, stored[f"{name}__L{index}_mote_out"])


@pytest.mark.parametrize("name", ["box", "ppt_none"])
def test_golden_heat_maps(official: tuple[SegmoteSegmenter, Any], golden: Any, name: str) -> None:
    segmenter, encoded = official
    with watched(segmenter.network.mask_decoder) as seen, torch.no_grad():
        drawn = segmenter.draw([(encoded, prompt_of(golden, name))])
    assert len(seen) == len(drawn.routings) == 2
    for layer, (attention, routing) in enumerate(zip(seen, drawn.routings, strict=True)):
        maps = expert_maps(token_maps(attention, encoded.embedding.shape[-2:]), routing.gates)
        close(maps, golden.case(name).extra[f"L{layer}_cam_mean"])


def test_golden_encoder_and_prompt_tokens(official: tuple[SegmoteSegmenter, Any], golden: Any) -> None:
    segmenter, encoded = official
    there = golden.global_arrays()
    inputs, _ = segmenter.prepare(golden.image)
    with torch.no_grad():
        embedding, early = segmenter.network.encode(inputs[None])
        made = segmenter.network.mask_decoder.img_prompt_pool(embedding)
    close(inputs[:, ::8, ::8], there["net_input_sample"], atol=1e-6)
    close(embedding[0, :32, ::2, ::2], there["embedding_sample"])
    close(early[0].permute(1, 2, 0)[::2, ::2, :32], there["interm_sample"])
    close(made, there["ppt_tokens"])
    torch.testing.assert_close(encoded.embedding, embedding[0])


def test_golden_weights_are_the_stored_ones(values: Mapping[str, torch.Tensor]) -> None:
    digest = hashlib.sha256()
    for key, value in sorted(values.items()):
        digest.update(key.encode() + str(tuple(value.shape)).encode() + value.numpy().tobytes())
    assert digest.hexdigest() == FINGERPRINT


def first_layer(values: Mapping[str, torch.Tensor], config: SegmoteConfig) -> TokenExperts:
    experts = TokenExperts(config)
    place = "mask_decoder.transformer.layers.0."
    experts.load_state_dict({key: values[place + key] for key in experts.state_dict()})
    return experts


@pytest.mark.parametrize("phase", ["train", "eval"])
@pytest.mark.parametrize("version", GATES)
@pytest.mark.parametrize("top_k", [1, 2])
def test_golden_router(
    values: Mapping[str, torch.Tensor], stored: Mapping[str, np.ndarray], top_k: int, version: str, phase: str
) -> None:
    config = replace(RELEASED, top_k=top_k, gate_mode=GATES[version])
    prefix = f"router_k{top_k}_{version}_{phase}__"
    there = {key.removeprefix(prefix): value for key, value in stored.items() if key.startswith(prefix)}
    experts = first_layer(values, config)
    noise = torch.from_numpy(stored["router__noise"]) if phase == "train" else None
    updated, routing = experts.update(torch.from_numpy(stored["router__x"]), noise)
    terms = losses.layer_balance(routing, config)
    close(routing.gates, there["gates"], atol=1e-5)
    assert np.array_equal(routing.experts.numpy(), there["expert_idx"])
    close(largest(routing.logits, top_k)[0], there["topk_logits"])
    assert np.array_equal(routing.token.numpy(), there["token_idx"])
    close(losses.load(routing, config), there["load"], atol=1e-5)
    close(losses.importance(routing, config), there["importance"], atol=1e-5)
    close(torch.stack([*terms, sum(terms)]), there["balance"], atol=1e-5)
    close(updated[..., ::8], there["out"])
    (0.001 * updated.sum() + 0.01 * sum(terms)).backward()
    norms = [norm_of(parameter) for parameter in (experts.w_gate_token, experts.w_noise_token)]
    np.testing.assert_allclose(norms, there["grad_norms"], rtol=1e-3, atol=0)


def norm_of(parameter: torch.Tensor) -> float:
    return 0.0 if parameter.grad is None else float(parameter.grad.norm())


@pytest.mark.parametrize("phase", ["train", "eval"])
@pytest.mark.parametrize("top_k", [1, 2])
def test_golden_router_of_the_paper(
    values: Mapping[str, torch.Tensor], stored: Mapping[str, np.ndarray], top_k: int, phase: str
) -> None:
    config = replace(PAPER, top_k=top_k)
    prefix = f"paper_k{top_k}_{phase}__"
    there = {key.removeprefix(prefix): value for key, value in stored.items() if key.startswith(prefix)}
    noise = torch.from_numpy(stored["router__noise"]) if phase == "train" else None
    _, routing = first_layer(values, config).update(torch.from_numpy(stored["router__x"]), noise)
    close(routing.gates, there["gates"], atol=1e-6)
    close(routing.confidence, there["confidence"], atol=1e-5)
    assert np.array_equal(routing.experts.numpy(), there["expert_idx"])
    assert np.array_equal(routing.token.numpy(), there["token_idx"])
    close(losses.importance(routing, config), there["importance"], atol=1e-5)
    close(losses.load(routing, config), there["load"], atol=0)
    terms = losses.layer_balance(routing, config)
    close(torch.stack([*terms, sum(terms)]), there["balance"], atol=1e-5)


def test_golden_softmax(stored: Mapping[str, np.ndarray]) -> None:
    logits = torch.from_numpy(stored["box__L0_clean_logits"])
    everyone = torch.arange(4).expand(4, 4)
    close(gate_values(logits, everyone, "softmax_all"), stored["box__L0_softmax"], atol=1e-6)


def trained_pass(network: Segmote, stored: Mapping[str, np.ndarray], golden: Any, segmenter: SegmoteSegmenter) -> Any:
    inputs, _ = segmenter.prepare(golden.image)
    with torch.no_grad():
        embeddings, early = network.encode(torch.stack([inputs, inputs.flip(-1)]))
    rows = (part.repeat_interleave(2, dim=0) for part in (embeddings, early))
    embeddings, early = rows
    return network.decode(
        embeddings,
        boxes=torch.from_numpy(stored["train__boxes"]).reshape(4, 4),
        details=network.details(embeddings, early),
        noise=torch.from_numpy(stored["train__noise"]),
    )


def losses_of(drawn: Any, stored: Mapping[str, np.ndarray], config: SegmoteConfig) -> list[torch.Tensor]:
    shape = stored["train__labels_shape"]
    labels = np.unpackbits(stored["train__labels_packed"])[: np.prod(shape)].reshape(4, 1, 512, 512)
    targets = torch.from_numpy(labels.astype(np.float32))
    full = torch.nn.functional.interpolate(drawn.mask, (512, 512), mode="bilinear", align_corners=False)
    terms = [losses.focal(targets, full), losses.batch_dice(targets, full)]
    terms.append(losses.iou_error(targets, full, drawn.score))
    balance = losses.balance_loss(drawn.routings, config)
    segmentation = losses.released_loss(targets, full, drawn.score)
    return [*terms, segmentation, balance, segmentation + 0.01 * balance]


@pytest.mark.slow
@pytest.mark.parametrize("version", GATES)
def test_golden_training_step(
    official: tuple[SegmoteSegmenter, Any], stored: Mapping[str, np.ndarray], golden: Any, version: str
) -> None:
    config = replace(RELEASED, gate_mode=GATES[version])
    network = shapes_only(config)
    network.text_model = None
    network.load_state_dict(official[0].network.state_dict(), assign=True)
    network.train()
    prefix = f"train_{version}__"
    drawn = trained_pass(network, stored, golden, official[0])
    found = losses_of(drawn, stored, config)
    close(torch.stack(found), stored[f"{prefix}losses"], atol=0, rtol=1e-4)
    close(drawn.token.float(), stored[f"{prefix}token_idx"], atol=0)
    close(drawn.score, stored[f"{prefix}iou_selected"])
    for index, routing in enumerate(drawn.routings):
        close(routing.gates, stored[f"{prefix}L{index}_gates"], atol=1e-5)
        close(routing.clean_logits, stored[f"{prefix}L{index}_clean_logits"])
    found[-1].backward()
    check_gradients(network, dict(zip(stored[f"{prefix}grad_names"], stored[f"{prefix}grad_norms"], strict=True)))
    routers = [layer.w_gate_token.grad for layer in network.mask_decoder.transformer.layers]
    assert all(bool(gradient.any()) == (version == "v2") for gradient in routers)


def check_gradients(network: Segmote, expected: Mapping[str, float]) -> None:
    found = {name: parameter for name, parameter in network.named_parameters() if name in expected}
    assert set(found) == set(expected)
    missing = {name for name, parameter in found.items() if parameter.grad is None}
    assert missing == {name for name, norm in expected.items() if norm == -1}
    names = sorted(set(found) - missing)
    norms = [float(found[name].grad.norm()) for name in names]
    # The keys' biases have no influence on a softmax: their gradient is rounding noise.
    np.testing.assert_allclose(norms, [expected[name] for name in names], rtol=1e-3, atol=1e-4)


def test_every_stored_case_is_checked(golden: Any) -> None:
    assert golden.case_names == sorted([*CASES, "inter_true_box", "two_boxes"])
