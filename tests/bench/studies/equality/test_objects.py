from bench.miniworld.folders import phantom_data
from bench.studies.equality.objects import spread


def test_pictures_are_spread_over_the_data_sets():
    found = spread(phantom_data(), 3)
    assert len({target.dataset for target in found}) == 3
    assert len({id(target.picture) for target in found}) == 3
