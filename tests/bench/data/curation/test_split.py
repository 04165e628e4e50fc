import pandas as pd
import pytest

from bench.data.curation.split import held_out, person_of


def rows(**persons: list[str]) -> pd.DataFrame:
    return pd.DataFrame([(name, one) for name, mine in persons.items() for one in mine], columns=["dataset", "person"])


@pytest.mark.parametrize("patient", ["ISIC_0000001", "isic_0000001", "2017/ISIC_0000001", "ISIC_0000001_mask"])
def test_an_isic_id_is_one_person_in_all_years(patient: str) -> None:
    assert person_of(patient) == "isic_0000001"


def test_one_in_ten_of_each_data_set_whatever_the_order() -> None:
    a, b = [f"a{number}" for number in range(20)], [f"b{number}" for number in range(10)]
    chosen = held_out(rows(a=a, b=b), 0.1, 0)
    assert (sum(one in chosen for one in a), sum(one in chosen for one in b)) == (2, 1)
    assert held_out(rows(b=b[::-1], a=a[::-1]), 0.1, 0) == chosen
    assert held_out(rows(a=a, b=b), 0.1, 1) != chosen


def test_a_person_of_several_sets_counts_in_each() -> None:
    same = [f"p{number}" for number in range(10)]
    assert len(held_out(rows(a=same, b=same), 0.1, 0)) == 1


def test_nobody_is_held_out_of_one_person() -> None:
    assert held_out(rows(a=["p"]), 0.5, 0) == set()
    assert held_out(rows(a=["p", "q"]), 0, 0) == set()
