"""The rules of the source, checked without running it: imports, names, the length of functions, tests of modules."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import networkx

REST = "*"


class Import(NamedTuple):
    """One module names another, at the top, inside a function or under TYPE_CHECKING."""

    importer: str
    imported: str
    where: str

    def __str__(self) -> str:
        """`bench/store/files.py:3: bench.store.files imports bench.cli`."""
        return f"{self.where}: {self.importer} imports {self.imported}"


def modules(root: Path, packages: Sequence[str]) -> dict[str, Path]:
    """Dotted name of every module below `root`, and its file; a package is named without `__init__`."""
    files = [path for package in packages for path in sorted((root / package).rglob("*.py"))]
    names = [path.relative_to(root).with_suffix("").parts for path in files]
    return {
        ".".join(name[:-1] if name[-1] == "__init__" else name): path for name, path in zip(names, files, strict=True)
    }


def imports(root: Path, packages: Sequence[str]) -> list[Import]:
    """Every import of the packages; `from package import name` means the module `package.name` if there is one."""
    known = modules(root, packages)
    found = (
        Import(name, target, f"{path.relative_to(root)}:{line}")
        for name, path in known.items()
        for target, line in _targets(name, path, known)
    )
    return list(dict.fromkeys(found))


def _targets(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[tuple[str, int]]:
    here = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{source}.{alias.name}"
                yield full if full in known else source, node.lineno


def floors(text: str) -> dict[str, set[str]]:
    """For each room of a plan such as `"a > b, c > d; e > d"`, the rooms that it may import.

    `>` stands between lines, a comma between neighbours on one line, a semicolon between stairs.
    The room `*` is everything that the plan does not name.
    """
    below: dict[str, set[str]] = defaultdict(set)
    for stair in text.split(";"):
        lines = [[room.strip() for room in line.split(",")] for line in stair.split(">")]
        for height, line in enumerate(lines):
            for room in line:
                below[room] |= {lower for lower_line in lines[height + 1 :] for lower in lower_line}
    return dict(below)


def room(module: str, package: str) -> str | None:
    """The part of a package that a module belongs to: `scoring` for `bench.scoring.pair` in `bench`; None outside."""
    if module == package:
        return "__init__"
    prefix = f"{package}." if package else ""
    return module.removeprefix(prefix).partition(".")[0] if module.startswith(prefix) else None


def climbing(found: Sequence[Import], plans: Mapping[str, str]) -> list[str]:
    """Imports of a room that does not lie below; `plans` maps a package (or "", the root) to its `floors`."""
    faults = []
    for package, plan in plans.items():
        below = floors(plan)
        for each in found:
            upper, lower = room(each.importer, package), room(each.imported, package)
            if upper is None or lower is None or (not package and lower not in below):
                continue
            upper, lower = (name if name in below else REST for name in (upper, lower))
            if upper != lower and lower not in below.get(upper, set()):
                faults.append(f"{each}, which does not lie below it in {package or 'the root'}")
    return faults


def unplaced(known: Sequence[str], plans: Mapping[str, str]) -> list[str]:
    """Modules that stand in no line of the plan of their package."""
    faults = []
    for package, plan in plans.items():
        below = floors(plan)
        for module in known:
            name = room(module, package)
            if name not in {None, "__init__", *below} and REST not in below:
                faults.append(f"{module}: no line of {package or 'the root'} names {name}")
    return faults


def cycles(found: Sequence[Import], known: Sequence[str]) -> list[str]:
    """Groups of modules that import each other, directly or through others."""
    graph = networkx.DiGraph((each.importer, each.imported) for each in found if each.imported in known)
    return [
        f"import each other: {', '.join(sorted(group))}"
        for group in networkx.strongly_connected_components(graph)
        if len(group) > 1
    ]


def forbidden(found: Sequence[Import], never: Mapping[str, Sequence[str]]) -> list[str]:
    """Imports of a module, or of anything inside it, by those that must never name it."""
    return [
        str(each)
        for target, importers in never.items()
        for each in found
        if _inside(each.imported, [target]) and _inside(each.importer, importers)
    ]


def misplaced(found: Sequence[Import], only: Mapping[str, Sequence[str]]) -> list[str]:
    """Imports of a library outside of the only rooms that may use it."""
    return [
        f"{each}, which only {', '.join(homes)} may"
        for library, homes in only.items()
        for each in found
        if _inside(each.imported, [library]) and not _inside(each.importer, homes)
    ]


def _inside(module: str, packages: Sequence[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def from_inside(found: Sequence[Import]) -> list[str]:
    """Imports of a package, for something other than a module, by a module that lies in it."""
    return [f"{each}, the package it lies in" for each in found if each.importer.startswith(f"{each.imported}.")]


def names_twice(root: Path, packages: Sequence[str]) -> list[str]:
    """Public classes of all packages that share their name with another one."""
    places = defaultdict(list)
    for module, path in modules(root, packages).items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module)
    return [f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


def long_functions(root: Path, packages: Sequence[str], limit: int) -> list[str]:
    """Functions of more than `limit` lines of code, counted without blank lines and docstring."""
    faults = []
    for path in modules(root, packages).values():
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = _code_lines(node, text.splitlines())
                if count > limit:
                    faults.append(f"{path.relative_to(root)}:{node.lineno}: {node.name} has {count} lines of code")
    return faults


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: Sequence[str]) -> int:
    assert node.end_lineno is not None
    count = sum(bool(line.strip()) for line in lines[node.lineno - 1 : node.end_lineno])
    if ast.get_docstring(node) is None:
        return count
    text = node.body[0]
    assert text.end_lineno is not None
    return count - sum(bool(line.strip()) for line in lines[text.lineno - 1 : text.end_lineno])


def untested(root: Path, packages: Sequence[str]) -> list[str]:
    """Modules with behaviour that have no test file of their name: `tests/bench/x/test_y.py` for `bench/x/y.py`.

    A module has behaviour if it has a public function, or a public class with a method; what Python calls by itself
    (`__init__` and the like) is reached through its callers.
    """
    return [
        name
        for name, path in modules(root, packages).items()
        if path.stem != "__init__" and _behaves(path) and not _test_of(root, path).is_file()
    ]


def _test_of(root: Path, path: Path) -> Path:
    return root / "tests" / path.relative_to(root).with_name(f"test_{path.name}")


def _behaves(path: Path) -> bool:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    public = [
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, (*functions, ast.ClassDef)) and not node.name.startswith("_")
    ]
    return any(
        isinstance(node, functions)
        or any(isinstance(part, functions) and not part.name.startswith("_") for part in node.body)
        for node in public
    )
