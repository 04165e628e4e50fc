"""The checker of the plan against a small house with planted faults: each kind is found, and nothing else is."""

import pytest

from tests.helpers import architecture

HOUSE = {
    "upper/__init__.py": "",
    "upper/cli.py": "from upper import rooms\nfrom upper.rooms import left\nimport lower",
    "upper/rooms/__init__.py": '"""Rooms."""',
    "upper/rooms/left.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lower.deep import Thing",
    "upper/rooms/right.py": "from upper.rooms.left import something\nfrom upper.ground import floor",
    "upper/ground.py": "class Floor: ...\nclass _Hidden: ...\n",
    "upper/drawing.py": "import matplotlib.pyplot as plt\nfrom upper import ground",
    "lower/__init__.py": "from lower import deep",
    "lower/deep.py": "class Thing: ...\nclass _Hidden: ...\n",
}
PACKAGES = ["upper", "lower"]
FLOORS = {"": "upper > lower", "upper": "cli > rooms, drawing > ground", "lower": "__init__ > *"}
NEVER = {"upper.ground": ["upper.rooms.left"]}
ONLY = {"matplotlib": ["upper.drawing"]}


def faults(root, extra):
    """Everything that the checker finds in the house with a few more lines, by file."""
    for name in HOUSE | extra:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HOUSE.get(name, '')}\n{extra.get(name, '')}\n")
    found, known = architecture.imports(root, PACKAGES), list(architecture.modules(root, PACKAGES))
    return [
        *architecture.unplaced(known, FLOORS),
        *architecture.climbing(found, FLOORS),
        *architecture.cycles(found, known),
        *architecture.forbidden(found, NEVER),
        *architecture.misplaced(found, ONLY),
        *architecture.from_inside(found),
        *architecture.names_twice(root, PACKAGES),
    ]


def test_a_sound_house_has_no_faults(tmp_path):
    assert faults(tmp_path, {}) == []


TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
UPWARD = "upper.ground imports upper.rooms.left, which does not lie below it in upper"


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("upper/ground.py", "from upper.rooms.left import x", UPWARD),
        ("upper/ground.py", "from upper.rooms import left", UPWARD),
        ("upper/ground.py", "from .rooms import left", UPWARD),
        ("upper/ground.py", "import upper.rooms.left", UPWARD),
        ("upper/ground.py", "def f():\n    from upper.rooms import left", UPWARD),
        ("upper/ground.py", f"{TYPES}from upper.rooms import left", UPWARD),
        ("upper/rooms/left.py", "from upper import drawing", "upper.drawing, which does not lie below it in upper"),
        ("lower/deep.py", "import upper.ground", "which does not lie below it in the root"),
        ("lower/deep.py", "from lower import deep, name", "which does not lie below it in lower"),
        ("upper/rooms/left.py", "from upper.rooms import right", "each other: upper.rooms.left, upper.rooms.right"),
        ("upper/rooms/left.py", "from upper import ground", "upper.rooms.left imports upper.ground"),
        ("upper/ground.py", "from matplotlib import cm", "imports matplotlib, which only upper.drawing may"),
        ("upper/rooms/left.py", "from upper.rooms import name", "imports upper.rooms, the package it lies in"),
        ("upper/attic.py", "", "upper.attic: no line of upper names attic"),
        ("upper/rooms/left.py", "class Floor: ...", "Floor: upper.ground, upper.rooms.left"),
        ("lower/deep.py", "class Floor: ...", "Floor: upper.ground, lower.deep"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(tmp_path, file, line, said):
    found = faults(tmp_path, {file: line})
    assert any(said in fault for fault in found), found


def test_the_line_of_an_import_is_named(tmp_path):
    (fault,) = faults(tmp_path, {"upper/ground.py": "\nimport seaborn, lower\nimport matplotlib"})
    assert fault.startswith("upper/ground.py:6: ")


def test_stairs_of_a_plan_that_share_a_floor():
    found = architecture.floors("a > b, c > d; e > d")
    assert found == {"a": {"b", "c", "d"}, "b": {"d"}, "c": {"d"}, "d": set(), "e": {"d"}}


def write(root, **files):
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_code_is_counted_without_docstring_and_blank_lines(tmp_path):
    write(tmp_path, upper__a='def f():\n    """One\n\n    two."""\n\n    x = 1\n    return x\n')
    assert architecture.long_functions(tmp_path, ["upper"], 3) == []
    assert architecture.long_functions(tmp_path, ["upper"], 2) == ["upper/a.py:1: f has 3 lines of code"]


def test_a_function_in_a_class_and_one_in_a_function_are_counted(tmp_path):
    write(tmp_path, upper__a="class A:\n    def f(self):\n        def g():\n            return 1\n        return g\n")
    assert len(architecture.long_functions(tmp_path, ["upper"], 1)) == 2


def test_modules_with_behaviour_need_a_test_of_their_name(tmp_path):
    write(
        tmp_path,
        upper__function="def f(): ...",
        upper__method="class A:\n    def f(self): ...",
        upper__tested="def f(): ...",
        tests__upper__test_tested="",
        upper__data="import x\nA = 1\nclass B:\n    size: int\n    def __post_init__(self): ...\ndef _f(): ...",
    )
    assert architecture.untested(tmp_path, ["upper"]) == ["upper.function", "upper.method"]
