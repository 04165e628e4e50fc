"""Which files of a run folder the run has written: only those may ever be deleted, and only by a run that was accepted.

A user's own files may lie anywhere below --out, also among those of the run; they are neither read nor touched.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from bench.config import RunConfig
from bench.errors import RunError
from bench.store.files import is_partial, read_json, write_json
from bench.store.run_folder import GRID, SECONDS, model_folder

REPORT_FOLDERS = ("tables", "figures")  # which of their files the run has written stands in `NOTES`
FOLDERS = ("predictions", "candidates", "beyond", "targets", "images", "protocols", *REPORT_FOLDERS)
RUN_FILES = ("prompts.parquet", "records.parquet", "failures.parquet", "report.html")
NOTES = ".segmote-bench-files.json"
PROTOCOL_FILES = ("records.parquet", "failures.parquet", "protocol.json")  # of each folder below protocols/


def require_free(folder: Path) -> None:
    """Refuse a folder without `run.json` that holds what a run would write over.

    Raises:
        RunError: names the file.
    """
    for name in (*FOLDERS, *RUN_FILES, "log.txt"):
        if os.path.lexists(folder / name):
            raise RunError(
                f"{folder / name} was not written by this run: the folder has no run.json; choose another --out"
            )


def delete_run(config: RunConfig) -> None:
    """Delete what a run has written, so that another can take its folder; anything else stays.

    Args:
        config: as `run.json` has it, by which the files are known.

    Raises:
        RunError: a folder of the run is a link; nothing was deleted.
    """
    folder = config.out
    for name in FOLDERS:
        if (folder / name).is_symlink():
            raise RunError(f"{folder / name} is a link: what it leads to is not deleted; choose another --out")
    for path in list(_own(config)):
        path.unlink()
    for name in FOLDERS:
        for where, _, _ in os.walk(folder / name, topdown=False):
            if not os.listdir(where):
                os.rmdir(where)


def _own(config: RunConfig) -> Iterator[Path]:
    folder = config.out
    models = [model_folder(Path(), name).name for name in config.models]
    inside = {"predictions": models, "candidates": models, "beyond": models, "targets": ["."], "images": ["."]}
    for name, parts in inside.items():
        for part in parts:
            for dataset in config.datasets:
                where = folder / name / part / quote(dataset, safe="")
                found = where.iterdir() if where.is_dir() and not where.is_symlink() else ()
                yield from (path for path in found if path.name.endswith((".npz", SECONDS, GRID)) and _is_file(path))
    written = [folder / name for name in (*_noted(folder), NOTES, *RUN_FILES)]
    written += [path for name in PROTOCOL_FILES for path in (folder / "protocols").glob(f"*/{name}")]
    yield from (path for path in written if _is_file(path))


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def clear_partial(folder: Path) -> None:
    """Delete what a killed writer of this run left half-written, known by its name."""
    places = [folder, *(Path(where) for name in FOLDERS for where, _, _ in os.walk(folder / name))]
    for path in [path for where in places for path in where.iterdir() if is_partial(path)]:
        path.unlink()


@contextmanager
def noting_files(folder: Path) -> Iterator[None]:
    """Note which files of tables and figures are written while the block runs."""
    before = _stamps(folder)
    try:
        yield
    finally:
        written = {name for name, stamp in _stamps(folder).items() if before.get(name) != stamp}
        write_json(folder / NOTES, sorted(written.union(_noted(folder))))


def is_reported(folder: Path) -> bool:
    """True if all that a report consists of is there: the tables and figures that were noted, the page, the records."""
    names = _noted(folder)
    return bool(names) and all(_is_file(folder / name) for name in (*names, *RUN_FILES))


def _noted(folder: Path) -> list[str]:
    """Files of reports by their paths from the run folder; none if the list is lost, so that they count as foreign."""
    try:
        names = read_json(folder / NOTES)
    except (OSError, RunError):
        return []
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return [name for name in known if name.split("/")[0] in REPORT_FOLDERS and ".." not in name.split("/")]


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """When each file below the folders of a report was written, and its inode, by path from the run folder."""
    files = (Path(where, name) for top in REPORT_FOLDERS for where, _, names in os.walk(folder / top) for name in names)
    stats = ((path.relative_to(folder).as_posix(), path.lstat()) for path in files)
    return {name: (stat.st_mtime_ns, stat.st_ino) for name, stat in stats}
