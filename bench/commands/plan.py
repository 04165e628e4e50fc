"""What a run would do, for `bench run --dry-run`."""

from collections.abc import Iterator

from bench.config import RunConfig


def plan(config: RunConfig) -> str:
    """Cases by data set, prompts by model, and where the run would go; reads indices, no images.

    Raises:
        RunError: a data set is not below the data folder.
    """
    return "\n".join(_lines(config))


def _lines(config: RunConfig) -> Iterator[str]:
    from tabulate import tabulate

    import adapters
    from bench.data import catalogue
    from bench.predicting import predict

    found = catalogue.listing(config)
    rows = []
    for name in config.datasets:
        items = [item for item in found.items if item.dataset == name]
        defects = [defect for defect in found.defects if defect.dataset == name]
        rows.append((name, len({item.patient for item in items}), len(items), len(defects)))
    yield tabulate(rows, headers=["data set", "patients", "cases", "left out"])
    for model in config.models:
        kinds = predict.kinds(adapters.card(model), config)
        yield f"{model}: {', '.join(kinds) or 'n/a'} on {len(found.items)} cases"
    yield f"protocol {config.protocol}, seed {config.seed}, {config.device}, {config.precision}, jobs {config.jobs}"
    yield f"would write {config.out}"
