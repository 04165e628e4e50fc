import pytest

from bench import cli
from tests.helpers.scored import write_scored


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_scored(tmp_path_factory.mktemp("runs") / "r", ("sam/vit_b", "medsam/vit_b"), ("segthor",), 3)


def bench(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(tuple(map(str, arguments)))
    return stop.value.code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("show", "there", "absent"),
    [
        ("scores", "Heart", "p (Holm)"),
        ("averages", "Average", "Heart"),
        ("comparison", "p (Holm)", "Heart"),
        ("prompts", "medsam/vit_b  box", "Heart"),
        ("ledger", "licence", "Heart"),
    ],
)
def test_each_kind_of_table(capsys, run, show, there, absent):
    code, out, _ = bench(capsys, "table", run, "--show", show)
    assert code == 0 and there in out and absent not in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--reference", "sam"), "--reference has no meaning for --show scores; it belongs to --show comparison"),
        (
            ("--show", "ledger", "--metric", "iou"),
            "--metric has no meaning for --show ledger; it belongs to --show scores",
        ),
        (("--show", "prompts", "--round", 1), "--round has no meaning for --show prompts"),
        (("--show", "comparison", "--no-intervals"), "--no-intervals has no meaning for --show comparison"),
        (("--show", "everything"), "Invalid value for '--show'"),
        (("--aggregation", "median"), "Invalid value for '--aggregation'"),
    ],
)
def test_what_a_table_would_ignore_is_refused(capsys, run, arguments, text):
    code, _, err = bench(capsys, "table", run, *arguments)
    assert code == 2 and text in err and err.count("bench: ") == 1
