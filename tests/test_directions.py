import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {"segmote": {"adapters", "bench"}, "adapters": {"bench"}, "bench": set()}
PACKAGES = set(FORBIDDEN)


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_imports_point_one_way(package):
    for path in (ROOT / package).rglob("*.py"):
        tops = {name.split(".")[0] for name in imported(path)}
        assert not tops & FORBIDDEN[package], path


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_nobody_imports_the_root_it_lives_in_for_a_name(package):
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == package:
                modules = {p.stem for p in (ROOT / package).iterdir()}
                assert {name.name for name in node.names} <= modules, f"{path}: {ast.unparse(node)}"
