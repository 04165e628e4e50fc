from bench.reporting.figures import style


def test_a_model_looks_the_same_in_every_run():
    alone, many = style.looks(["sam/mini"]), style.looks(["baseline/box", "medsam/mini", "sam/mini"])
    assert alone["sam/mini"] == many["sam/mini"]
    named = [*style.BASELINES, *(f"{name}/mini" for name in style.FAMILIES)]
    found = style.looks(named)
    assert len({look.colour for look in found.values()}) == len(named)
    assert len({look.marker for look in found.values()}) == len(named)  # told apart without colour


def test_variants_of_a_family_share_the_marker_and_differ_in_shade_and_line():
    found = style.looks(["sam/vit_b", "sam/vit_h", "sam/vit_l", "stranger/one"])
    variants = [found[name] for name in ("sam/vit_b", "sam/vit_h", "sam/vit_l")]
    assert {look.marker for look in variants} == {"o"}
    assert len({look.colour for look in variants}) == len({look.line for look in variants}) == 3
    assert found["stranger/one"].colour not in {look.colour for look in variants}


def test_ink_is_read_on_its_colour():
    assert style.Look("#000000", "o", "-").ink == "white" and style.Look("#E69F00", "o", "-").ink == "black"
