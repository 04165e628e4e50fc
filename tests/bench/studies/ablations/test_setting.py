"""What an ablation varies, and where its results lie."""

from dataclasses import replace

from bench.studies.ablations.setting import NetworkVariant, few_class


def test_ppt_serves_the_sets_of_one_class(setting):
    assert few_class(setting) == ("dermoscopy",)
    assert NetworkVariant(queries=0).recipe(setting).ppt_sets == ()


def test_folders_tell_apart_what_changes_a_result(setting):
    variants = [
        NetworkVariant(),
        NetworkVariant(experts=8),
        NetworkVariant(active=2),
        NetworkVariant(queries=0),
        NetworkVariant(decoder=True),
    ]
    folders = {variant.folder(setting, 0) for variant in [*variants, NetworkVariant(subset="four")]}
    assert len(folders) == 6
    other = replace(setting, recipe=replace(setting.recipe, epochs=2))
    assert NetworkVariant().folder(other, 0) != NetworkVariant().folder(setting, 0)
    assert NetworkVariant().folder(replace(setting, slices=1), 0) == NetworkVariant().folder(setting, 0)
