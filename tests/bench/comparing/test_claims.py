import pytest

import adapters
from adapters.weights.catalogue import CATALOGUE
from bench.comparing import published
from bench.comparing.claims import KINDS, audit, check_claims, evidence, render
from bench.comparing.published import Outcome, read

HOLDS, CONTRADICTED, DIFFERS = Outcome.HOLDS, Outcome.CONTRADICTED, Outcome.DIFFERS


@pytest.fixture(scope="module")
def verdicts():
    return {verdict.id: verdict for verdict in audit()}


def test_finds_the_two_wrong_averages(verdicts):
    averages = {v.quote: v for v in verdicts.values() if v.id.startswith("average")}
    wrong = {name: round(v.recomputed, 2) for name, v in averages.items() if v.outcome is not HOLDS}
    assert len(averages) == 14
    assert wrong == {
        "Table 1, SegThor, Average, Ours": 81.07,
        "Table 1, Totalsegmentator (MRI), Average, SAM 2": 69.27,
    }


def test_finds_that_imis_differs_between_the_tables(verdicts):
    repeats = {v.quote: v for v in verdicts.values() if v.id.startswith("repeat")}
    assert len(repeats) == 12
    moved = {name: round(v.published - v.recomputed, 2) for name, v in repeats.items() if v.outcome is DIFFERS}
    assert moved == {
        "Table 2, IELES, Average, IMIS": -0.04,
        "Table 2, SegThor, Average, IMIS": 0.44,
        "Table 2, TotalSegmentator (MRI), Average, IMIS": 0.39,
    }


@pytest.mark.parametrize(
    ("claim", "outcome", "recomputed"),
    [
        ("gain-isles", CONTRADICTED, 6.06),
        ("gain-segthor", CONTRADICTED, 2.87),
        ("gain-totalsegmentator", CONTRADICTED, 0.86),
        ("gain-contribution", HOLDS, None),
        ("gain-binary", HOLDS, None),
        ("gain-ppt", HOLDS, None),
        ("gain-ppt-isles", HOLDS, 6.28),
        ("best-zero-shot", CONTRADICTED, 11),
        ("best-tuned", HOLDS, 9),
        ("best-queries", HOLDS, 3),
        ("parameters", HOLDS, 17.563776),
        ("parameters-imis", HOLDS, 29.679696),
        ("parameters-sam", DIFFERS, 312.342832),
        ("share-of-sam", HOLDS, 1.4274),
        ("share-of-imed", HOLDS, 0.0428),
        ("share-of-cosmos", DIFFERS, 2.562),
        ("experts", Outcome.UNTESTABLE, None),
    ],
)
def test_claims(verdicts, claim, outcome, recomputed):
    found = verdicts[claim]
    assert found.outcome is outcome
    assert found.recomputed == (None if recomputed is None else pytest.approx(recomputed, abs=1e-3))


def test_notes_name_what_was_found(verdicts):
    assert "SegThor +0.55 with averages of the printed rows" in verdicts["gain-segthor"].note
    assert "SegThor Heart" in verdicts["best-zero-shot"].note
    assert "Ours 58.63 is second, SAM 2 58.57 is coloured" in verdicts["colours"].note
    assert "17,563,776 = 10,472,064 + 7,091,712" in verdicts["parameters"].note
    assert "1191.6 MiB" in verdicts["parameters-sam"].note


def test_every_claim_has_a_check_and_every_check_a_claim():
    kinds = set(read("claims")["kind"])
    assert kinds == set(KINDS) | {"untestable"}
    assert len(check_claims()) == read("claims")["id"].nunique()
    assert all(v.note and v.quote and v.where for v in check_claims())


def test_counts_agree_with_the_networks_and_files():
    counted = evidence().counted
    assert counted["segmote"] == counted["mote"] + counted["ppt"]
    assert counted["sam_large"] == adapters.card("sam/vit_l").parameters
    assert counted["sam_large_file"] == CATALOGUE["sam/vit_l"].bytes
    assert counted["medsam"] == adapters.card("medsam/vit_b").parameters


def test_text_has_citation_verdicts_and_what_is_missing(verdicts, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    text = render(audit())
    assert text.startswith(published.CITATION)
    assert "81.07" in text and "does not follow" in text and "194 of 194" in text
    assert "\nIMISNet-B.pth\n" in text and "\nthe weights of this variant, which are not published" in text
    assert "-0.00" not in text
