import subprocess
import sys

from bench.store.run_folder import one_writer, predictions_path


def test_odd_characters_of_a_case_stay_inside_the_folder(tmp_path):
    path = predictions_path(tmp_path, "sam/mini", "folder:x", "../../a (1), b")
    assert path.resolve().is_relative_to(tmp_path / "predictions" / "sam--mini")


def test_second_writer_is_refused(tmp_path):
    code = (
        "import sys, pathlib; from bench.errors import RunError; from bench.store.run_folder import one_writer\n"
        "try:\n    with one_writer(pathlib.Path(sys.argv[1])): pass\n"
        "except RunError as error: print(error); sys.exit(3)\n"
    )
    with one_writer(tmp_path):
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert other.returncode == 3 and "another run" in other.stdout


def test_rests_of_a_killed_writer_are_cleared(tmp_path):
    (tmp_path / "predictions").mkdir()
    rest = tmp_path / "predictions" / "c1.npz.4711.part"
    rest.write_bytes(b"half")
    with one_writer(tmp_path):
        assert not rest.exists()
