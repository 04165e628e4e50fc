"""The loop over the steps: skips, names what is missing, goes on, resumes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import RunError, WorkerLostError
from bench.studies.reproduction.programme import MissingInputError, Programme
from bench.studies.reproduction.steps import STEPS, Step, StepOutcome, perform


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    return Programme(tmp_path)


class Work:
    """Steps that write a file each, or raise what is planned for them; `calls` says who was asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.planned: dict[str, BaseException] = {}

    def step(self, name: str, *needs: str) -> Step:
        return Step(name, "Table 1", f"the work of {name}", needs, f"{name}.txt", self._perform(name))

    def _perform(self, name: str) -> Callable[[Programme], None]:
        def write(programme: Programme) -> None:
            self.calls.append(name)
            if name in self.planned:
                raise self.planned[name]
            (programme.out / f"{name}.txt").write_text(name)

        return write


def states(outcomes: list[StepOutcome]) -> dict[str, str]:
    return {one.step.name: one.state for one in outcomes}


def test_what_is_done_is_skipped(programme: Programme) -> None:
    work, told = Work(), list[str]()
    steps = (work.step("a"), work.step("b", "a"), work.step("c"))
    assert set(states(perform(programme, told.append, steps)).values()) == {"done"}
    assert set(states(perform(programme, told.append, steps)).values()) == {"done before"}
    assert work.calls == ["a", "b", "c"]
    assert "a: the work of a (Table 1)" in told and "c: done before" in told
    (programme.out / "c.txt").unlink()
    assert states(perform(programme, told.append, steps))["c"] == "done" and work.calls[3:] == ["c"]


def test_what_follows_from_a_renewed_step_is_renewed(programme: Programme) -> None:
    work = Work()
    steps = (work.step("a"), work.step("b", "a"), work.step("c"))
    perform(programme, str, steps)
    (programme.out / "a.txt").unlink()
    assert states(perform(programme, str, steps)) == {"a": "done", "b": "done", "c": "done before"}


def test_missing_and_failed_steps_are_named_and_the_rest_is_done(programme: Programme) -> None:
    work = Work()
    work.planned = {"a": MissingInputError("data: no liver"), "c": RunError("c broke")}
    outcomes = perform(programme, str, (work.step("a"), work.step("b", "a"), work.step("c"), work.step("d")))
    assert states(outcomes) == {"a": "missing", "b": "missing", "c": "failed", "d": "done"}
    assert [one.note for one in outcomes] == ["data: no liver", "needs a", "c broke", ""]
    assert work.calls == ["a", "c", "d"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), WorkerLostError("killed")])
def test_an_interruption_ends_it_and_the_same_call_goes_on(programme: Programme, error: BaseException) -> None:
    work = Work()
    work.planned = {"b": error}
    steps = (work.step("a"), work.step("b", "a"), work.step("c"))
    with pytest.raises(type(error)):
        perform(programme, str, steps)
    work.planned = {}
    outcomes = perform(programme, str, steps)
    assert states(outcomes) == {"a": "done before", "b": "done", "c": "done"} and work.calls == ["a", "b", "b", "c"]
    assert all(one.seconds >= 0 for one in outcomes)


def test_what_a_step_had_to_do_without_is_told_each_time(programme: Programme) -> None:
    step = replace(Work().step("a"), lacks=lambda programme: ["data not found: BTCV"])
    for state in ("done", "done before"):
        (outcome,) = perform(programme, str, (step,))
        assert (outcome.state, outcome.note) == (state, "data not found: BTCV")


def test_the_programme_is_the_papers() -> None:
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names)
    assert all(names.index(need) < place for place, step in enumerate(STEPS) for need in step.needs)
    items = " ".join(dict.fromkeys(step.item for step in STEPS))
    wanted = ("Table 1", "Figure 5", "Table 2", "Table 3", "Table 4", "Figure 6a", "Figure 6b and c", "Figure 7")
    assert [items.index(item) for item in wanted] == sorted(items.index(item) for item in wanted)
    assert items.endswith("Figure 4")
