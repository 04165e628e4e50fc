"""SAM, SAM 2, MedSAM and Huang et al.'s SAM against the stored outputs of the official code."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from adapters import Points, Prompt, load
from tests.helpers.seeded import fingerprint, seed_weights

pytestmark = pytest.mark.parity
SAM_FINGERPRINT = "c056cf48e2e560d6a77adb9e158bbc5d93025b40f1b4372497156046adf72ac2"
# File -> model, number of stored cases, fingerprint of the seeded weights.
GOLDENS = {
    "sam_vit_b": ("sam/vit_b", 6, SAM_FINGERPRINT),
    "medsam_vit_b": ("medsam/vit_b", 4, SAM_FINGERPRINT),
    "huang_vit_b": ("huang/vit_b", 3, SAM_FINGERPRINT),
    "sam2.1_hiera_tiny": (
        "sam2/hiera_tiny",
        7,
        "78205a03855858369a635f0053347e21dde15aaff4d26988be638aef46fa9cd1",
    ),
    "sam2.1_hiera_base_plus": (
        "sam2/hiera_base_plus",
        7,
        "2308ebc9d2911bf04c2931931bcbc29236e4f61bcd9c09d37082465659749005",
    ),
}


@dataclass
class Parity:
    golden: Any
    cases: int
    segmenter: Any
    encoded: Any


# The parameters stand at the fixture, so that pytest finishes with one model before it builds the next.
# Building and seeding a network costs most: the quick run has one of each kind, the whole suite all five.
QUICK = ("sam_vit_b", "sam2.1_hiera_tiny")


@pytest.fixture(
    scope="module", params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in GOLDENS]
)
def parity(request: pytest.FixtureRequest, shared: Path, golden_io: ModuleType) -> Iterator[Parity]:
    """A seeded model with the golden image encoded once."""
    name, cases, expected = GOLDENS[request.param]
    segmenter = load(name, weights="random")
    seed_weights(segmenter.network)
    assert fingerprint(segmenter.network) == expected
    golden = golden_io.load(shared / "goldens" / f"{request.param}.npz")
    [encoded] = segmenter.encode([golden.image])
    yield Parity(golden, cases, segmenter, encoded)
    del segmenter, encoded
    gc.collect()


def prompts_of(case: Any) -> list[Prompt]:
    given = case.prompts
    boxes = given.get("boxes", given["box"][None] if "box" in given else [None])
    points = Points(given["point_coords"], given["point_labels"]) if "point_coords" in given else None
    previous = torch.from_numpy(given["mask_input_f32"]) if "mask_input_f32" in given else None
    return [Prompt(box=box, points=points, previous=previous) for box in boxes]


def check_case(parity: Parity, golden_io: ModuleType, case: Any) -> None:
    requests = [(parity.encoded, prompt) for prompt in prompts_of(case)]
    predictions = parity.segmenter.decode(requests, multimask=case.info["multimask_output"])
    low = torch.stack([p.candidate_logits for p in predictions])
    masks = torch.stack([parity.segmenter.masks(parity.encoded, p.candidate_logits) for p in predictions])
    scores = torch.stack([p.candidate_scores for p in predictions])
    report = golden_io.compare(case, low=low.numpy(), iou=scores.numpy(), mask=masks.numpy())
    assert report["ok"], report
    for prediction, candidates in zip(predictions, masks, strict=True):
        assert torch.equal(prediction.mask, candidates[prediction.selected])
        assert prediction.selected == int(prediction.candidate_scores.argmax())


def test_golden_cases(parity: Parity, golden_io: ModuleType) -> None:
    names = parity.golden.case_names
    assert len(names) == parity.cases
    for name in names:
        with pytest.MonkeyPatch.context() as patch:
            if name == "box_single_nodyn":
                decoder = parity.segmenter.network.sam_mask_decoder
                patch.setattr(decoder, "dynamic_multimask_via_stability", False)
            check_case(parity, golden_io, parity.golden.case(name))


def test_golden_input_and_embedding(parity: Parity) -> None:
    stored = parity.golden.global_arrays()
    network_input, _ = parity.segmenter.prepare(parity.golden.image)
    np.testing.assert_allclose(network_input.numpy()[:, ::16, ::16], stored["net_input_sample"], atol=1e-6, rtol=0)
    embedding = parity.encoded.embedding.numpy()[::8, ::4, ::4]
    np.testing.assert_allclose(embedding, stored["embedding_sample"], atol=1e-4, rtol=0)
    if "highres0_sample" in stored:
        fine, coarse = (details.numpy() for details in parity.encoded.details)
        np.testing.assert_allclose(fine[::8, ::16, ::16], stored["highres0_sample"], atol=1e-4, rtol=0)
        np.testing.assert_allclose(coarse[::8, ::8, ::8], stored["highres1_sample"], atol=1e-4, rtol=0)
