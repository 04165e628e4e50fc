import pytest

from bench.cli import main
from tests.helpers import layouts


@pytest.mark.parametrize(("more", "count"), [((), "0"), (("--follow-links",), "1")])
def test_data_sets_behind_links_are_counted_only_if_links_are_followed(tmp_path, capsys, more, count):
    layouts.folder(tmp_path / "other", layouts.square())
    (tmp_path / "data").mkdir()
    (tmp_path / "data/linked").symlink_to(tmp_path / "other")
    with pytest.raises(SystemExit) as stop:
        main(["ls", "datasets", "--data", str(tmp_path / "data"), *more])
    assert stop.value.code == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("folder")]
    assert f"  {count}  " in row.replace(f" {count} ", f"  {count}  ")
