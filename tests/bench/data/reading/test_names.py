import pytest

from bench.data.reading.names import folded, modality_of


@pytest.mark.parametrize(("one", "other"), [("Liver", "LIVER"), ("e\u0301", "\u00c9"), ("STRASSE", "straße")])
def test_names_that_some_file_system_takes_for_the_same_are_equal(one, other):
    assert folded(one) == folded(other)


def test_other_names_differ():
    assert folded("liver") != folded("lever")


@pytest.mark.parametrize(
    ("given", "name"), [("Computed Tomography", "CT"), (" mri ", "MR"), ("FLAIR", "FLAIR"), ("", "any"), (0, "0")]
)
def test_ct_and_mr_have_one_spelling(given, name):
    assert modality_of(given) == name
