import pytest

from adapters.weights import catalogue
from bench import cli


def test_a_file_that_only_a_person_can_fetch_does_not_stop_the_others(capsys, monkeypatch, tmp_path):
    def fetch(url, target, sha256, progress):
        progress(5, 10)
        return target

    monkeypatch.setattr(catalogue, "fetch", fetch)
    with pytest.raises(SystemExit) as stop:
        cli.main(["download", "medsam", "sam/vit_b", "--weights", str(tmp_path)])
    out, err = capsys.readouterr()
    assert stop.value.code == 1
    assert out == f"{tmp_path / 'sam_vit_b_01ec64.pth'}\n"
    said = [line for line in err.splitlines() if line.startswith("bench: ")]
    assert said[0].startswith("bench: medsam/vit_b must be")
