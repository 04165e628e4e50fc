import pytest

from adapters.interface import Card
from bench.prompting.kinds import applies, load


def test_unknown_kind_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'lasso'.*box.*clicks"):
        load("lasso")


def card_of(accepts, *trained):
    kinds = frozenset(map(frozenset, trained))
    return Card("m", "m", frozenset(accepts), kinds, 0, None, "-", "-", "-", "-")


@pytest.mark.parametrize(
    ("kind", "accepts", "trained", "untrained", "reason"),
    [
        ("box-loose", {"box"}, [{"box"}], False, None),
        ("box-loose", {"points"}, [{"points"}], True, "cannot take box"),
        ("scribble", {"box", "points"}, [{"points"}], False, None),
        ("scribble", {"box"}, [{"box"}], True, "cannot take points"),
        ("scribble", {"box", "points"}, [{"box"}], False, "not trained on scribble"),
        ("auto", {"box", "auto"}, [{"box"}, {"auto"}], False, None),
        ("auto", {"box", "auto"}, [{"box"}], False, "not trained on auto"),
        ("auto", {"box"}, [{"box"}], True, "cannot take auto"),
        ("box+clicks", {"box", "points", "mask"}, [{"box"}, {"box", "points", "mask"}], False, None),
        ("box+clicks", {"box", "points", "mask"}, [{"box"}, {"points", "mask"}], False, "not trained on box+clicks"),
        ("box+clicks", {"box", "points", "mask"}, [{"box"}], True, None),
        ("box+clicks", {"box", "points"}, [{"box"}], True, None),
        ("box+clicks", {"box"}, [{"box"}], True, "cannot take points"),
    ],
)
def test_a_card_decides_who_may_be_asked(kind, accepts, trained, untrained, reason):
    found = applies(card_of(accepts, *trained), kind, untrained)
    assert found is None if reason is None else reason in found
