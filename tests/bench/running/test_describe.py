from dataclasses import replace

import pytest

from adapters.weights.catalogue import CATALOGUE
from bench.running import describe
from bench.store.run_facts import ModelFacts

pytestmark = pytest.mark.usefixtures("registered")


def test_captions_name_weights_that_are_not_the_published_file():
    entry = CATALOGUE["sam/vit_b"]
    right = ModelFacts("SAM", 1, "-", "-", "-", entry.file, entry.sha256)
    converted = replace(right, weights="sam_vit_b_01ec64.safetensors", weights_sha256="0")
    without = replace(right, weights=None, weights_sha256=None)
    assert describe._unpublished({"sam/vit_b": right, "fake/good": without}) == ""
    assert describe._unpublished({"sam/vit_b": converted}) == ""
    for name in (entry.file, "mine.pth"):
        text = describe._unpublished({"sam/vit_b": replace(right, weights=name, weights_sha256="0" * 64)})
        assert text == " Not the published file, by its checksum: sam/vit_b."
