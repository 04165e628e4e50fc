"""`bench profile`: where the time of a run went."""

from pathlib import Path

from bench.commands.options import OK, RunFolder


def profile_command(options: RunFolder) -> int:
    """Print where the time of a run went, and how much of the machine its models used."""
    print_profile(options.folder)
    return OK


def print_profile(folder: Path) -> None:
    """Print the seconds of a run by step and by what they were spent on, and each model's share of the machine."""
    from tabulate import tabulate

    from bench.running.profile import model_rows, step_rows
    from bench.store.run_folder import read_run

    facts = read_run(folder)
    print(tabulate(step_rows(facts), ["step", "what", "seconds", "%"], "simple", floatfmt=".1f"))
    if not facts.finished["score"]:
        print("\nWhat its models took is known once it is scored.")
        return
    heads = ["model", "images", "ms/image", "GFLOP/image", "MFU %", "prompts", "ms/prompt", "GFLOP/prompt", "MFU %"]
    print(f"\n{tabulate(model_rows(folder, facts), heads, 'simple', floatfmt='.1f', missingval='-')}")
    print(
        "\nSeconds of all processes together; wait: starting, loading models, idle. MFU: floating-point operations per "
        "second of a model as a share of those of a large matrix product here and now, with one thread on a CPU."
    )
