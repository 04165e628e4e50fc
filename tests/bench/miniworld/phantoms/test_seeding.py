from bench.miniworld.phantoms.seeding import generator


def test_a_name_and_a_seed_decide_the_draws():
    def draw(*key):
        return generator(*key).integers(1 << 30)

    assert draw(0, "chest", "1") == draw(0, "chest", "1") == 979261383
    assert len({draw(0, "chest", "1"), draw(1, "chest", "1"), draw(0, "chest", "2"), draw(0, "head", "1")}) == 4
