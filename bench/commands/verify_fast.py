"""`bench verify-fast`: the proof that the faster arithmetic changes no result."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import OK, SOME_FAILED


@dataclass(frozen=True, kw_only=True)
class VerifyFastOptions:
    """Options of `bench verify-fast`."""

    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL]...", help="Models (see bench ls models). Default: all minis.")
    ] = None
    weights: Annotated[
        str | None,
        typer.Option(
            envvar="BENCH_WEIGHTS",
            metavar="DIR",
            help="Folder of weights files, or random: weights made from their names, for official sizes without files.",
        ),
    ] = None
    pictures: Annotated[int, typer.Option(min=1, help="How many pictures of the built-in phantoms.")] = 64
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="The certificate's file, or a run folder whose report shows it.")
    ] = Path("certificate.json")


def verify_fast_command(options: VerifyFastOptions) -> int:
    """Ask models by the faster and by the published path, and hold the answers against each other.

    Exact: logits, masks, clicks and Dice are the same, whatever is decoded together. Approximate: what bfloat16 moves.
    Exits with 1 if a group fails.
    """
    import adapters
    from bench.miniworld.folders import phantom_data
    from bench.store.files import write_json
    from bench.store.run_folder import certificate_path
    from bench.studies.equality import certificate
    from bench.studies.equality.objects import spread

    minis = [name for name in adapters.REGISTRY if name.endswith("/mini")]
    names = [adapters.full_name(name) for name in options.models or minis]
    found = spread(phantom_data(), options.pictures)
    made = certificate.certify(names, dict.fromkeys(names, found), options.weights)
    path = certificate_path(options.out) if options.out.is_dir() else options.out
    write_json(path, made)
    print(*certificate.lines(made), f"wrote {path}", sep="\n")
    return OK if made["passed"] else SOME_FAILED
