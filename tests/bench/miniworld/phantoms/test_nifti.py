import nibabel as nib
import numpy as np

from bench.miniworld.phantoms.nifti import placed, write_nifti


def test_axes_point_where_they_are_said_to_and_the_middle_lies_at_the_centre():
    affine = placed((11, 5, 3), (1, 2, 4), "LAS", centre=(10, 20, 30))
    assert nib.aff2axcodes(affine) == ("L", "A", "S")
    assert np.allclose(nib.affines.voxel_sizes(affine), (1, 2, 4))
    assert np.allclose(nib.affines.apply_affine(affine, (5, 2, 1)), (10, 20, 30))


def test_a_tilt_turns_the_axes_and_keeps_their_lengths():
    straight, tilted = placed((3, 3, 3), (1, 1, 1), "RAS"), placed((3, 3, 3), (1, 1, 1), "RAS", tilt=(0, 0, 20))
    assert not np.allclose(straight, tilted) and np.allclose(nib.affines.voxel_sizes(tilted), 1)


def test_a_file_is_the_same_byte_for_byte_and_reads_back(tmp_path):
    voxels, affine = np.arange(27, dtype=np.int16).reshape(3, 3, 3), placed((3, 3, 3), (1, 2, 3), "LPS")
    for name in ("a", "b"):
        write_nifti(tmp_path / name / "v.nii.gz", voxels, affine)
    assert (tmp_path / "a/v.nii.gz").read_bytes() == (tmp_path / "b/v.nii.gz").read_bytes()
    read = nib.load(tmp_path / "a/v.nii.gz")
    assert np.array_equal(np.asarray(read.dataobj), voxels) and np.allclose(read.affine, affine)
