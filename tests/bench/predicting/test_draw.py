import pandas as pd
import pytest

from bench.prompting.prompt import SimulatedPrompt
from bench.prompting.table import prompt_of
from bench.running import run
from tests.helpers.fakes import Fake, config
from tests.helpers.runs import score_table

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_order_and_limit_change_no_prompt(tmp_path):
    run.predict_only(config(tmp_path / "all", prompts=("box-jitter",)))
    run.predict_only(config(tmp_path / "two", prompts=("click", "box-jitter"), limit=2))
    everything = pd.read_parquet(tmp_path / "all" / "prompts.parquet")
    part = pd.read_parquet(tmp_path / "two" / "prompts.parquet").query("prompt == 'box-jitter'")
    same = everything[everything["case"].isin(["c0", "c1"])]
    pd.testing.assert_frame_equal(part.reset_index(drop=True), same.reset_index(drop=True))
    assert prompt_of(part.iloc[0]).box is not None


def test_slices_are_seen_the_right_way_up(tmp_path):
    run.run(config(tmp_path / "r"))
    row = pd.read_parquet(tmp_path / "r" / "prompts.parquet").query("case == 'c0' and target == 'bar'").iloc[0]
    assert row[["x0", "y0", "x1", "y1"]].tolist() == [1, 13, 19, 15]


def test_text_prompts_are_the_names_of_the_classes(tmp_path):
    run.run(config(tmp_path / "r", prompts=("text",)))
    frozen = pd.read_parquet(tmp_path / "r" / "prompts.parquet")
    assert (frozen["text"] == frozen["target"]).all() and frozen["x0"].isna().all()
    box, good = score_table(tmp_path / "r", "text").lines[1].cells
    assert not box.applicable and good.value == 1


def test_a_first_prompt_of_several_clicks_is_refused_not_cut(tmp_path, monkeypatch):
    def two(target, protocol, rng):
        return SimulatedPrompt(clicks=((1, 1, 1), (2, 2, 1)))

    monkeypatch.setattr("bench.prompting.clicks.click", two)
    with pytest.raises(ValueError, match="prompt click begins with 2 clicks"):
        run.run(config(tmp_path / "r", prompts=("click",)))


def test_a_scribble_reaches_the_model_whole_and_changes_no_other_prompt(tmp_path, monkeypatch):
    asked = []
    one = Fake._one
    monkeypatch.setattr(Fake, "_one", lambda self, image, prompt: asked.append(prompt) or one(self, image, prompt))
    run.run(config(tmp_path / "both", prompts=("scribble", "click")))
    together = [prompt.points.xy.tolist() for prompt in asked]
    run.predict_only(config(tmp_path / "click", prompts=("click",)))
    frozen = pd.read_parquet(tmp_path / "both" / "prompts.parquet")
    alone = pd.read_parquet(tmp_path / "click" / "prompts.parquet")
    same = frozen.query("prompt == 'click'").reset_index(drop=True)
    assert same.pop("stroke").isna().all()
    pd.testing.assert_frame_equal(same, alone)
    bar = frozen.query("prompt == 'scribble' and case == 'c0' and target == 'bar'").iloc[0]
    whole = [[bar["point_x"], bar["point_y"]], *bar["stroke"].reshape(-1, 2).tolist()]
    assert len(whole) == 8 and whole in together
    box, good = score_table(tmp_path / "both", "scribble").lines[1].cells
    assert not box.applicable and good.value > 0
