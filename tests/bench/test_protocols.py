import pytest

from bench import protocols
from bench.protocols import PROMPTING, PROTOCOLS, SCORING, Protocol, load, needs_new_run
from bench.statistics.patients import AGGREGATIONS

VOLUMES = ("volume", "volume-largest", "volume-first")


def test_the_peers_are_there_and_every_one_says_where_its_rules_come_from():
    assert list(PROTOCOLS) == ["bench", "segmote", "sam-med2d", "medsam", "huang", "imis", "ritm", *VOLUMES]
    for name, one in PROTOCOLS.items():
        assert one.name == name and one.source and one.aggregation in AGGREGATIONS


def test_every_rule_is_either_of_prompting_or_of_scoring():
    assert sorted((*PROMPTING, *SCORING, "name", "source")) == sorted(Protocol.__slots__)


def test_an_oracle_is_named_wherever_its_rules_are_told():
    assert "ORACLE" in protocols.scoring_text(PROTOCOLS["huang"])
    assert "ORACLE" not in protocols.scoring_text(PROTOCOLS["bench"])


def test_prompting_rules_need_a_new_run_and_scoring_rules_do_not():
    ours = PROTOCOLS["bench"]
    assert needs_new_run(ours, Protocol("x", "test", empty_rule="one", selection="oracle", aggregation="volume")) == []
    assert needs_new_run(ours, PROTOCOLS["ritm"]) == ["click: centre -> ritm"]
    assert needs_new_run(ours, PROTOCOLS["ritm"], ("box", "text")) == []
    fields = [line.partition(":")[0] for line in needs_new_run(ours, PROTOCOLS["medsam"], ("box",))]
    assert fields == ["min_area_px", "component", "box_inclusive"]
    assert "working_resolution: None -> 512" in needs_new_run(ours, PROTOCOLS["segmote"])


def test_another_empty_rule_is_told_by_the_name():
    one = load("segmote+one")
    assert (one.name, one.empty_rule, one.working_resolution) == ("segmote+one", "one", 512)
    assert load("bench+nan") is PROTOCOLS["bench"]


@pytest.mark.parametrize(("name", "text"), [("nobody", "'nobody'.*bench"), ("bench+half", "'half'.*nan")])
def test_unknown_names_are_refused(name, text):
    with pytest.raises(ValueError, match=text):
        load(name)
