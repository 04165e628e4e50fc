"""All twelve sources of MedSeg-HQ below one folder."""

from pathlib import Path

from bench.miniworld.phantoms.sources import chaos, pictures, volumes

LEAST_FRAME_SLICES = 2


def draw_sources(root: Path, seed: int, people: int, slices: int) -> None:
    """Write the twelve sources, each in a folder of its own with the official layout.

    Without pydicom (extra `dicom`) the two of CHAOS, which are DICOM, are not written.

    Args:
        root: made if missing.
        seed: decides every byte.
        people: of each volumetric source; each of the four sources of pictures has `people` times `slices` of them,
            of one person each.
        slices: of each volume. ACDC has two volumes of half as many (but at least two) for each person.
    """
    if chaos.can_be_written():
        chaos.write_chaos(root / "chaos", seed, people, slices)
    volumes.write_btcv(root / "btcv", seed, people, slices)
    volumes.write_amos(root / "amos", seed, people, slices)
    volumes.write_word(root / "word", seed, people, slices)
    volumes.write_totalsegmentator(root / "totalsegmentator-ct", seed, people, slices)
    volumes.write_acdc(root / "acdc", seed, people, max(LEAST_FRAME_SLICES, slices // 2))
    pictures.write_isic(root / "isic", seed, people * slices)
    pictures.write_sz_cxr(root / "sz-cxr", seed, people * slices)
