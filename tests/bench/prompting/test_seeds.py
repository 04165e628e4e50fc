from bench.prompting import seeds


def test_generators_depend_on_the_whole_key_alone():
    draw = seeds.generator(0, "set", "case", 3, "liver", "click", 1).integers(2**60)
    assert draw == seeds.generator(0, "set", "case", 3, "liver", "click", 1).integers(2**60)
    assert draw == 843135281825613332
    for other in ((1, "set"), (0, "other")):
        assert draw != seeds.generator(*other, "case", 3, "liver", "click", 1).integers(2**60)
