"""CLIP's byte-pair encoding of sentences, read from a file of merges or learned.

Source: Radford et al., Learning transferable visual models from natural language supervision, ICML 2021.
"""

import gzip
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import NFC, Lowercase
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as PreTokenizers
from tokenizers.trainers import BpeTrainer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

WORD = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
WORD_END = "</w>"
# In the order of their code points these are CLIP's stand-ins for the 256 bytes.
LETTERS = sorted(ByteLevel.alphabet())
HEADER = "#version: 0.2"


def sentence(name: str) -> str:
    """The sentence that tells IMIS-Net about a class.

    >>> sentence("Left_Kidney")
    'A segmentation area of a left kidney.'
    """
    words = re.sub(r"[_\-\s]+", " ", name.lower())
    return f"A segmentation area of a {words}."


class Vocabulary:
    """Sentences as token ids: the bytes, the merges, and last of all the ids that start and end a sentence.

    Args:
        path: a file of merges, one pair per line after a header, plain or gzipped (`.gz`), in the format of OpenAI's
            `bpe_simple_vocab_16e6.txt.gz`. Merges beyond the size are ignored, as in CLIP.
        size: number of token ids.
    """

    def __init__(self, path: Path, size: int) -> None:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        self.start, self.end = size - 2, size - 1
        lines = text.splitlines()[1:][: self.start - 2 * len(LETTERS)]
        self._tokenizer = _tokenizer([_pair(line) for line in lines])

    def encode(self, sentences: Sequence[str], longest: int) -> Tensor:
        """Token ids (B, T), T at most `longest`; shorter sentences are filled up with the end id."""
        pieces = [piece.ids[: longest - 2] for piece in self._tokenizer.encode_batch(list(sentences))]
        rows = [torch.tensor([self.start, *ids, self.end]) for ids in pieces]
        return pad_sequence(rows, batch_first=True, padding_value=self.end)


def learn_merges(sentences: Iterable[str], most: int) -> list[str]:
    """The lines of a file of merges, header first, learned from sentences: at most `most` merges."""
    tokenizer = _tokenizer([])
    trainer = BpeTrainer(
        vocab_size=2 * len(LETTERS) + most,
        initial_alphabet=LETTERS,
        end_of_word_suffix=WORD_END,
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [HEADER, *(" ".join(pair) for pair in merges[:most])]


def _pair(line: str) -> tuple[str, str]:
    first, second = line.split()
    return first, second


def _tokenizer(merges: list[tuple[str, str]]) -> Tokenizer:
    tokens = [*LETTERS, *(letter + WORD_END for letter in LETTERS), *map("".join, merges)]
    ids = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(BPE(ids, merges, end_of_word_suffix=WORD_END))
    tokenizer.normalizer = Normalizers([NFC(), Lowercase()])
    words = Split(Regex(WORD), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = PreTokenizers([words, ByteLevel(add_prefix_space=False, use_regex=False)])
    return tokenizer
