from adapters.weights import catalogue
from tests.helpers.command_line import bench, one_line


def test_a_file_that_only_a_person_can_fetch_does_not_stop_the_others(capsys, monkeypatch, tmp_path):
    def fetch(url, target, sha256, progress, xxh128=None):
        progress(5, 10)
        return target

    monkeypatch.setattr(catalogue, "fetch", fetch)
    code, out, err = bench(capsys, "download", "medsam", "sam/vit_b", "--weights", tmp_path)
    assert code == 1
    assert out == f"{tmp_path / 'sam_vit_b_01ec64.pth'}\n"
    said = [line for line in err.splitlines() if line.startswith("bench: ")]
    assert said[0].startswith("bench: medsam/vit_b must be")


def test_download_by_hand_and_unknown(capsys, tmp_path):
    code, _, err = bench(capsys, "download", "medsam", "--weights", tmp_path)
    assert code == 1 and "by hand" in one_line(err)
    code, _, err = bench(capsys, "download", "baseline/box")
    assert code == 2 and "needs no download" in one_line(err)
