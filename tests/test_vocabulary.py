"""Class names as sentences, sentences as token ids, token ids as vectors."""

import gzip
import re
from pathlib import Path

import pytest
import torch

from adapters.imis import MINI, MINI_VOCABULARY
from bench.phantoms.medical import CLASSES
from segmote.text import TextConfig, TextTower
from segmote.vocabulary import Vocabulary, learn_merges, sentence


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
    assert (ids < 1022).sum(1).tolist() == words


@pytest.mark.slow
def test_tower_and_vocabulary_are_those_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    sizes = TextConfig(vocabulary=1024, width=32, depth=3, heads=4, positions=40)
    config = transformers.CLIPTextConfig(
        vocab_size=1024,
        hidden_size=32,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=40,
        bos_token_id=1022,
        eos_token_id=1023,
    )
    theirs, ours = transformers.CLIPTextModel(config).eval(), TextTower(sizes).eval()
    state = {key.removeprefix("text_model."): value for key, value in theirs.state_dict().items()}
    ours.text_model.load_state_dict({key: value for key, value in state.items() if not key.endswith("position_ids")})
    ids = Vocabulary(MINI_VOCABULARY, 1024).encode([sentence("liver"), sentence("Ödem, 3 l's & the kidney_left")], 40)
    with torch.no_grad():
        torch.testing.assert_close(ours(ids), theirs(input_ids=ids).pooler_output, atol=1e-6, rtol=0)
