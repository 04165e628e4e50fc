"""CUDA graphs without CUDA: what is recorded, what is filled up, and what happens when a graph cannot be trusted."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from adapters import Points, Prompt, load
from adapters.decoder_graphs import LARGEST_ERROR, MOST_GRAPHS, MOST_SIGNS, ROWS, DecoderGraphs, agrees, decoder_graphs
from adapters.published import published_arithmetic
from bench.studies.equality import certificate
from tests.helpers.prompts import image


class Tape:
    """Repeats a call as a CUDA graph does: reads the same inputs, writes into the same outputs."""

    def __init__(self, off=0.0):
        self.recorded = self.replayed = 0
        self.off = off

    def __call__(self, call):
        self.recorded += 1
        outputs = call()

        def replay():
            self.replayed += 1
            for place, drawn in zip(outputs, call(), strict=True):
                place.copy_(drawn + self.off)
            return outputs

        return replay


class Decoder:
    """Its logits are those of each row alone, whatever stands beside it."""

    def __init__(self):
        self.sizes = []

    def __call__(self, rows, boxes, image, masks):
        self.sizes.append((rows, len(boxes), len(image)))
        summed = boxes.sum(1) + image.sum() + (0 if masks is None else masks.sum(1))
        return summed[:, None], boxes[:, :1].clone()


@pytest.fixture(autouse=True)
def _segmenting():
    with torch.no_grad():
        yield


def boxes(rows, seed=0):
    return torch.randn(rows, 4, generator=torch.Generator().manual_seed(seed))


def wanted(rows, seed):
    return Decoder()(rows, boxes(rows, seed), torch.ones(1, 2), None)


def ask(graphs, decoder, rows, seed=0, rule=()):
    return graphs(decoder, rule, rows, boxes(rows, seed), torch.ones(1, 2), None)


@pytest.mark.parametrize(("rows", "size"), [(1, 1), (2, 2), (3, 4), (9, 16), (33, 48), (64, 64)])
def test_rows_are_filled_up_and_cut_off_again(rows, size):
    decoder, tape = Decoder(), Tape()
    graphs = DecoderGraphs("a model", tape)
    for seed in range(4):
        found = ask(graphs, decoder, rows, seed)
        assert all(torch.equal(one, other) for one, other in zip(found, wanted(rows, seed), strict=True))
    assert set(decoder.sizes) == {(size, size, 1)}, "the image is one row for all"


def test_the_last_row_is_repeated():
    seen = []

    def draw(rows, given):
        seen.append(given.clone())
        return (given,)

    DecoderGraphs("a model", Tape())(draw, (), 3, boxes(3))
    assert torch.equal(seen[0], boxes(3)[[0, 1, 2, 2]])


def test_a_shape_that_comes_back_is_recorded_and_then_replayed():
    decoder, tape = Decoder(), Tape()
    graphs = DecoderGraphs("a model", tape)
    counts = []
    for seed in range(4):
        ask(graphs, decoder, 5, seed)
        counts.append((tape.recorded, tape.replayed))
    assert counts == [(0, 0), (1, 1), (1, 2), (1, 3)], "the first replay is the proof"


def test_what_was_drawn_stays_when_the_graph_draws_again():
    graphs, decoder = DecoderGraphs("a model", Tape()), Decoder()
    drawn = [ask(graphs, decoder, 5, seed) for seed in range(5)]
    for seed, found in enumerate(drawn):
        assert torch.equal(found[0], wanted(5, seed)[0])


def test_rules_shapes_and_missing_tensors_have_graphs_of_their_own():
    tape, decoder = Tape(), Decoder()
    graphs = DecoderGraphs("a model", tape)
    for _ in range(3):
        for rule in (False, True):
            ask(graphs, decoder, 4, rule=rule)
        ask(graphs, decoder, 7)
        graphs(decoder, (), 7, boxes(7), torch.ones(1, 2), torch.ones(7, 3))
    assert tape.recorded == 4


def test_smaller_graphs_share_the_inputs_of_larger_ones():
    graphs, decoder = DecoderGraphs("a model", Tape()), Decoder()
    for rows in (64, 64, 8, 8):
        ask(graphs, decoder, rows)
    (large, _), (small, _) = graphs._graphs.values()
    assert large[0].data_ptr() == small[0].data_ptr()
    assert [len(large[0]), len(small[0])] == [64, 8]


def test_there_are_not_more_graphs_than_allowed():
    tape, decoder = Tape(), Decoder()
    graphs = DecoderGraphs("a model", tape)
    for _ in range(3):
        for rule in range(MOST_GRAPHS + 4):
            assert torch.equal(ask(graphs, decoder, 2, rule, rule)[0], wanted(2, rule)[0])
    assert tape.recorded == MOST_GRAPHS


def broken(error):
    def record(call):
        raise error

    return record


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Tape(off=1e-3), "did not draw what its kernels draw"),
        (Tape(off=float("nan")), "did not draw"),
        (broken(RuntimeError("operation not permitted when stream is capturing\nmore")), "permitted .* capturing\\)$"),
        (broken(torch.OutOfMemoryError("no room")), "OutOfMemoryError: no room"),
    ],
)
def test_a_graph_that_cannot_be_trusted_ends_all_graphs(record, reason):
    graphs, decoder = DecoderGraphs("a model", record), Decoder()
    ask(graphs, decoder, 5)
    with pytest.warns(UserWarning, match=f"a model: its decoder runs without CUDA graphs.*{reason}"):
        found = ask(graphs, decoder, 5, seed=1)
    assert torch.equal(found[0], wanted(5, 1)[0]), "what its kernels drew"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(3):
            assert torch.equal(ask(graphs, decoder, 9, seed)[0], wanted(9, seed)[0])
    assert not graphs._graphs
    assert not graphs._inputs, "its memory is free"


def test_memory_that_runs_out_in_the_decoder_itself_is_left_to_the_passes():
    def draw(rows, given):
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError):
        DecoderGraphs("a model", Tape())(draw, (), 3, boxes(3))


def test_training_inference_mode_the_published_arithmetic_and_large_passes_are_left_alone():
    tape, decoder = Tape(), Decoder()
    graphs = DecoderGraphs("a model", tape)
    for _ in range(3):
        with torch.enable_grad():
            ask(graphs, decoder, 5)
        with published_arithmetic():
            ask(graphs, decoder, 5)
        with torch.inference_mode():
            ask(graphs, decoder, 5)
        ask(graphs, decoder, ROWS[-1] + 1)
    assert tape.recorded == 0
    assert {size for size, *_ in decoder.sizes} == {5, 65}


def test_nothing_is_recorded_or_filled_up_on_a_cpu():
    decoder = Decoder()
    graphs = decoder_graphs("a model", torch.device("cpu"))
    for seed in range(3):
        ask(graphs, decoder, 5, seed)
    assert decoder.sizes == [(5, 5, 1)] * 3


def test_results_agree_as_in_the_exact_group_of_the_certificate():
    assert (LARGEST_ERROR, MOST_SIGNS) == (certificate.LOGITS, certificate.PIXELS)
    expected = torch.randn(4, 300, 300, generator=torch.Generator().manual_seed(0))
    expected[0, 0, 0] = 1e-6
    flipped = expected.clone()
    flipped[0, 0, 0] = -1e-6
    assert agrees(expected + 5e-5 * expected.sign(), expected)
    assert not agrees(expected + 2e-4 * expected.sign(), expected)
    assert not agrees(flipped, expected), "one sign of 360,000"
    assert not agrees(expected[:3], expected)
    assert not agrees(expected * float("nan"), expected)


def prompts(name):
    box, click = Prompt(box=np.array([10, 6, 60, 40])), Prompt(points=Points([[40, 20]], [1]))
    asked = {"text": replace(box, text="disc"), "auto": Prompt(), "points": click, "box": box}
    return [asked[kind] for kind in ("box", "points", "text", "auto") if kind in load(name).card.accepts]


@pytest.mark.parametrize("name", ["sam/mini", "sam2/mini", "sam-med2d/mini", "imis/mini", "segmote/mini"])
def test_a_model_draws_the_same_by_a_tape(name):
    """The decoder reads nothing but what it is given: else a replay would draw an earlier picture or prompt."""
    model, tape = load(name), Tape()
    encoded = model.encode([image(64, 96), image(50, 70)])
    asked = prompts(name)
    first = model.decode([(encoded[0], prompt) for prompt in asked])
    asked += [replace(p, previous=d.feedback) for p, d in zip(asked, first, strict=True) if d.feedback is not None]
    turns = [[(encoded[n % 2], p) for n in (turn, turn + 1, turn) for p in asked] for turn in range(4)]
    expected = [model.decode(requests) for requests in turns]
    model._graphs = DecoderGraphs(name, tape)
    for requests, drawn in zip(turns, expected, strict=True):
        for one, other in zip(model.decode(requests), drawn, strict=True):
            assert agrees(one.candidate_logits, other.candidate_logits)
            assert one.selected == other.selected
    assert tape.replayed > tape.recorded > 0
