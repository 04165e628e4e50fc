"""The plan of the house: who may import whom, what is named once, how long a function is, where its tests lie."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import architecture

ROOT = Path(__file__).parents[1]
PACKAGES = ["bench", "adapters", "segmote"]
FLOORS = {
    "": "bench > adapters > segmote",
    "bench": (
        "cli > commands > studies > comparing, running > reporting > statistics, predicting"
        " > scoring, prompting > store > data, miniworld, world > workers > protocols, config, errors, clock"
    ),
    "bench.reporting": "report, export > draw, page > gallery, tables > figures, table_spec > scored_run",
    "bench.data": (
        "check, curation, download, given_masks, fingerprint > catalogue > datasets > reading"
        " > case, printable, mapped; "
        "curation > slicing > components, bounding_box > case, mapped"
    ),
    "adapters": "__init__ > families > *",
    "segmote": "training > network > imis, recipe > sam",
}
NEVER = {"bench.predicting": ["bench.scoring", "bench.statistics", "bench.reporting"]}
DRAWING = ["bench.reporting.figures", "bench.reporting.gallery", "bench.studies"]
ONLY = {"matplotlib": DRAWING, "seaborn": DRAWING}

MODULES = list(architecture.modules(ROOT, PACKAGES))
IMPORTS = architecture.imports(ROOT, PACKAGES)


def assert_none(faults):
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def test_every_module_stands_in_the_plan():
    assert_none(architecture.unplaced(MODULES, FLOORS))


@pytest.mark.parametrize("package", FLOORS)
def test_rooms_import_only_what_lies_below_them(package):
    assert_none(architecture.climbing(IMPORTS, {package: FLOORS[package]}))


def test_no_modules_import_each_other():
    assert_none(architecture.cycles(IMPORTS, MODULES))


def test_what_is_scored_and_reported_never_names_the_prediction():
    assert_none(architecture.forbidden(IMPORTS, NEVER))


def test_only_figures_the_gallery_and_studies_draw():
    assert_none(architecture.misplaced(IMPORTS, ONLY))


def test_nobody_imports_a_package_from_inside_it():
    assert_none(architecture.from_inside(IMPORTS))


def test_no_two_public_classes_share_a_name():
    assert_none(architecture.names_twice(ROOT, PACKAGES))


@pytest.mark.parametrize("module", ["bench.scoring.score", "bench.reporting.report"])
def test_loads_no_models_in_a_fresh_process(module):
    code = f"import sys, {module}; print(*sorted({{'adapters', 'torch'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not done.stdout.split()


def test_every_module_with_behaviour_has_a_test_file_of_its_name():
    assert architecture.untested(ROOT, PACKAGES) == []


def test_no_function_is_longer_than_forty_lines_of_code():
    assert_none(architecture.long_functions(ROOT, PACKAGES, 40))
