"""Which expert tokens and experts the routers choose, data set by data set: figure 6a."""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tabulate import tabulate

from adapters.families.segmote import SegmoteSegmenter
from adapters.interface import Segmenter
from bench.scoring.metrics import areas, dice
from bench.studies.answers import Answers, answers, routed
from bench.studies.inside.output import InsideReport
from bench.studies.pictures import TOKEN_COLOURS, long_names
from bench.studies.questions import DataSet, PromptedSlice

BAR_SHARE = 0.8


def report(
    segmenter: Segmenter, slices: Iterable[tuple[DataSet, PromptedSlice]], prompt: str, about: str
) -> InsideReport:
    """Figure and tables of the choices on some slices.

    Args:
        segmenter: a SegMoTE model.
        slices: at least one of them with a question.
        prompt: the kind of their prompts.
        about: which weights on which data.

    Raises:
        RunError: another model.
    """
    network = routed(segmenter)
    table = choices(network, (found for _, found in slices))
    config = network.network.config
    summary = shares(table, config.num_experts).rename_axis("dataset").reset_index()
    title = f"Selected expert tokens, prompt {prompt}. {about}"
    text = f"{title}\n\n{tabulate(summary.round(3).to_dict('list'), headers='keys')}"
    drawn = figure(table, config.num_experts, config.layers, title)
    return InsideReport(text, {"experts": drawn}, {"experts": table, "experts-summary": summary})


def choices(segmenter: SegmoteSegmenter, slices: Iterable[PromptedSlice]) -> pd.DataFrame:
    """The routers' choices, one row per question.

    Returns:
        dataset, patient, case, slice, target; `token`: the one whose mask is the result (the last layer's choice);
        `dice`: of that mask; `best_token`, `best_dice`: the token with the best mask, and its Dice;
        `layer<l>_token<t>`: indices of the experts that updated a token in a layer, best first, joined by "+".
    """
    return pd.DataFrame([row for some in answers(segmenter, slices) for row in _rows(segmenter, some)])


def _rows(segmenter: SegmoteSegmenter, some: Answers) -> Iterator[dict[str, Any]]:
    for index, question in enumerate(some.questions):
        token = int(some.drawn.token[index])
        masks = segmenter.masks(some.encoded[index], some.drawn.logits[index]).cpu().numpy()
        overlaps = [dice(areas(question.mask, mask)) for mask in masks]
        best = max(range(len(overlaps)), key=overlaps.__getitem__)
        yield {
            "dataset": question.dataset,
            "patient": question.patient,
            "case": question.case,
            "slice": question.slice,
            "target": question.target,
            "token": token,
            "dice": overlaps[token],
            "best_token": best,
            "best_dice": overlaps[best],
        } | _experts(some, index)


def _experts(some: Answers, index: int) -> dict[str, str]:
    return {
        f"layer{layer}_token{token}": "+".join(map(str, experts))
        for layer, routing in enumerate(some.drawn.routings)
        for token, experts in enumerate(routing.experts[index].tolist())
    }


def shares(table: pd.DataFrame, tokens: int) -> pd.DataFrame:
    """Summary of `choices`: one row per data set, in order of appearance.

    Returns:
        Index: data set. `n`; `token<t>`: share of the questions with that token chosen; `dice` and `best_dice`: means
        of the chosen and of the best masks; `hit`: share of the questions whose best mask was chosen.
    """
    return pd.DataFrame(
        {str(name): _share(part, tokens) for name, part in table.groupby("dataset", sort=False)}
    ).T.astype({"n": int})


def _share(part: pd.DataFrame, tokens: int) -> dict[str, float]:
    chosen = {f"token{token}": float((part["token"] == token).mean()) for token in range(tokens)}
    hit = float((part["token"] == part["best_token"]).mean())
    means = {name: float(part[name].mean()) for name in ("dice", "best_dice")}
    return {"n": len(part)} | chosen | means | {"hit": hit}


def expert_shares(table: pd.DataFrame, layer: int, experts: int) -> pd.DataFrame:
    """Share (0..1) of a layer's token updates per expert: one row per data set, one column per expert."""
    columns = [name for name in table.columns if name.startswith(f"layer{layer}_token")]
    long = table.melt(["dataset"], columns, value_name="expert")
    long = long.assign(expert=long["expert"].str.split("+")).explode("expert")
    counted = pd.crosstab(long["dataset"], long["expert"].astype(int), normalize="index")
    order = list(dict.fromkeys(table["dataset"]))
    return counted.reindex(index=order, columns=range(experts), fill_value=0.0)


def figure(table: pd.DataFrame, tokens: int, layers: int, title: str) -> Figure:
    """Bars of the tokens' shares, with the number of samples above them, and each layer's use of its experts."""
    summary = shares(table, tokens)
    drawn = Figure(figsize=(max(7.0, 1.1 * len(summary)), 6.5), layout="constrained")
    grid = drawn.add_gridspec(2, layers, height_ratios=(1.2, 1))
    _bars(drawn.add_subplot(grid[0, :]), summary, tokens)
    for layer in range(layers):
        _squares(drawn.add_subplot(grid[1, layer]), expert_shares(table, layer, tokens), layer)
    drawn.suptitle(title, fontsize=9)
    return drawn


def _bars(axes: Axes, summary: pd.DataFrame, tokens: int) -> None:
    width = BAR_SHARE / tokens
    for token in range(tokens):
        places = [place + (token - (tokens - 1) / 2) * width for place in range(len(summary))]
        colour = TOKEN_COLOURS[token % len(TOKEN_COLOURS)]
        axes.bar(places, 100 * summary[f"token{token}"], width, color=colour, label=f"token {token}")
    for place, n in enumerate(summary["n"]):
        top = 100 * max(summary.iloc[place][f"token{token}"] for token in range(tokens))
        axes.annotate(f"n = {n}", (place, top), (0, 2), textcoords="offset points", ha="center", fontsize=8)
    axes.axhline(100 / tokens, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    axes.set_xticks(range(len(summary)), long_names(summary.index), fontsize=8)
    axes.set_ylabel("chosen (% of samples)")
    axes.set_ylim(0, 112)
    axes.legend(ncols=min(tokens, 6), fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _squares(axes: Axes, used: pd.DataFrame, layer: int) -> None:
    image = axes.imshow(100 * used.to_numpy(), cmap="Greys", vmin=0, vmax=100, aspect="auto")
    for row, values in enumerate(used.to_numpy()):
        for column, value in enumerate(values):
            colour = "white" if value > 0.5 else "black"
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(used.shape[1]), [str(expert) for expert in used.columns])
    axes.set_yticks(range(len(used)), list(used.index) if layer == 0 else [], fontsize=8)
    axes.set_xlabel(f"expert of decoder layer {layer + 1} (% of token updates)")
    axes.tick_params(length=0)
    image.set_rasterized(False)
