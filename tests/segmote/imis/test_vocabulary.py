"""Class names as sentences, sentences as token ids, token ids as vectors."""

import gzip
import re
from pathlib import Path

import pytest
import torch

from adapters.families.imis import MINI, MINI_VOCABULARY
from bench.miniworld.phantoms.medical import CLASSES
from segmote.imis.text import TextConfig, TextTower
from segmote.imis.vocabulary import Vocabulary, learn_merges, sentence


def test_a_class_name_becomes_the_official_sentence() -> None:
    assert sentence("Left_Kidney") == "A segmentation area of a left kidney."
    assert sentence("covid-19_ \t infection ") == "A segmentation area of a covid 19 infection ."


def test_a_vocabulary_is_cut_to_size_and_fills_up_with_the_end(tmp_path: Path) -> None:
    merges = tmp_path / "merges.txt"
    merges.write_text("#version\na b\nab c</w>\nx y\n")
    ids = Vocabulary(merges, 516).encode(["ABC a", "xy"], 77)
    a_end, x, y_end, both = 256 + 64, 87, 256 + 88, 513
    assert ids.tolist() == [[514, both, a_end, 515], [514, x, y_end, 515]]
    assert Vocabulary(merges, 516).encode(["a " * 90], 9).tolist() == [[514, *[a_end] * 7, 515]]


def test_a_gzipped_vocabulary_is_the_same(tmp_path: Path) -> None:
    zipped = tmp_path / "merges.txt.gz"
    zipped.write_bytes(gzip.compress(MINI_VOCABULARY.read_bytes()))
    name = [sentence("inferior_vena_cava")]
    assert torch.equal(Vocabulary(zipped, 1024).encode(name, 77), Vocabulary(MINI_VOCABULARY, 1024).encode(name, 77))


@pytest.mark.parametrize("fresh", [False, True])
def test_the_mini_vocabulary_has_a_token_for_every_word_of_the_phantoms_classes(fresh: bool, tmp_path: Path) -> None:
    """Learned anew it does too, though the trainer orders equally frequent pairs otherwise each time."""
    sentences = [sentence(name) for name in sorted({name for names in CLASSES.values() for name in names})]
    path = tmp_path / "merges.txt" if fresh else MINI_VOCABULARY
    if fresh:
        path.write_text("\n".join(learn_merges(sentences, 510)) + "\n")
    ids = Vocabulary(path, MINI.text.vocabulary).encode(sentences, MINI.text.positions)
    words = [len(re.findall(r"[a-z]+|\.", text.lower())) for text in sentences]
    assert (ids < MINI.text.vocabulary - 2).sum(1).tolist() == words


def test_what_follows_the_first_end_does_not_count() -> None:
    torch.manual_seed(0)
    tower = TextTower(TextConfig(vocabulary=1024, width=32, depth=3, heads=4, positions=40)).eval()
    ids = Vocabulary(MINI_VOCABULARY, 1024).encode([sentence("liver"), sentence("the left kidney and the aorta")], 40)
    ends = (ids == 1023).int().argmax(1)
    assert ends[0] < ids.shape[1] - 1
    with torch.no_grad():
        vectors, alone = tower(ids), tower(ids[:1, : ends[0] + 1])
        ids[0, ends[0] + 1 :] = 7
        torch.testing.assert_close(tower(ids), vectors)
    torch.testing.assert_close(alone, vectors[:1])
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-3)


def test_tower_has_the_official_names() -> None:
    names = set(TextTower(TextConfig(vocabulary=600, width=8, depth=1, heads=2, positions=9)).state_dict())
    layer = "text_model.encoder.layers.0"
    assert {"text_model.embeddings.token_embedding.weight", f"{layer}.self_attn.q_proj.bias"} <= names
    assert {f"{layer}.mlp.fc2.weight", "text_model.final_layer_norm.bias"} <= names
    assert len(names) == 2 + 16 + 2
