"""Open data sets fetched from where they are published: resumed, verified, unpacked without leaving their folder."""

import shutil
import stat
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from adapters.weights.download import DownloadError, Progress, fetch, file_sha256

ZENODO = "https://zenodo.org/records/"
NOT_DATA = "__MACOSX"  # a folder that macOS adds to archives
UNPACKING = ".segmote-bench-unpacking-"


@dataclass(frozen=True, slots=True)
class DataArchive:
    """The archive of an open data set.

    Attributes:
        dataset: as on the command line.
        release: of the data.
        url: of the zip file.
        sha256: of it in hexadecimal; known from constantinpape/torch-em, not published by the authors.
        terms: what a user must know of the licence.
    """

    dataset: str
    release: str
    url: str
    sha256: str
    terms: str

    @property
    def file(self) -> str:
        """Name of the zip file."""
        return self.url.rpartition("/")[2]


ARCHIVES = {
    one.dataset: one
    for one in (
        DataArchive(
            "isles2022",
            "2022",
            f"{ZENODO}7960856/files/ISLES-2022.zip",
            "f374895e383f725ddd280db41ef36ed975277c33de0e587a631ca7ea7ad45d6b",
            "CC BY 4.0 or CC BY-SA 4.0: sources conflict",
        ),
        DataArchive(
            "segthor",
            "redistribution",
            f"{ZENODO}16663661/files/SegTHOR.zip",
            "5dba9bcc681c895b7d7b59cf5a26cae570bc8bba02c74f9cb128f3292410fb15",
            "the challenge itself asks for a signed agreement, see https://competitions.codalab.org/competitions/21145",
        ),
        DataArchive(
            "totalsegmentator-mri",
            "v3.0.0",
            f"{ZENODO}22688334/files/TotalsegmentatorMRI_dataset_v300.zip",
            "791696df98dbbc5136c19d6b23335779a9bdcda7fcc3842e885869756ca17589",
            "CC BY 4.0",
        ),
        DataArchive(
            "totalsegmentator-ct",
            "v2.0.1",
            f"{ZENODO}10047292/files/Totalsegmentator_dataset_v201.zip",
            "741dbc911a768e2ac2671c66d55332f7302ad624c915a57d08b142d8bdf0ca26",
            "CC BY 4.0",
        ),
    )
}


def download(archive: DataArchive, data: Path, progress: Progress | None = None) -> Path:
    """Fetch and unpack a data set into a folder of its name; one that is there already is left alone.

    Args:
        archive: what to fetch.
        data: the data folder, made if needed.
        progress: called with the number of bytes present and the total.

    Returns:
        The folder.

    Raises:
        DownloadError: see `fetch`; the archive is no zip file, leads out of its folder, or does not fit on the disk.
            A whole archive is kept for the next attempt.
    """
    folder, packed = data / archive.dataset, data / archive.file
    if folder.exists():
        return folder
    if not (packed.is_file() and file_sha256(packed) == archive.sha256):
        fetch(archive.url, packed, archive.sha256, progress)
    with tempfile.TemporaryDirectory(prefix=UNPACKING, dir=data) as place:
        unpacked = Path(place, archive.dataset)
        unpacked.mkdir()
        unpack(packed, unpacked)
        unpacked.rename(folder)
    packed.unlink()
    return folder


def unpack(packed: Path, folder: Path) -> None:
    """Unpack a zip file into a folder; nothing is written before every member is known to stay inside.

    Raises:
        DownloadError: names the member, or how many bytes are missing.
    """
    try:
        with zipfile.ZipFile(packed) as archive:
            members = [one for one in archive.infolist() if PurePosixPath(one.filename).parts[:1] != (NOT_DATA,)]
            for member in members:
                _require_inside(packed, member)
            needed, free = sum(one.file_size for one in members), shutil.disk_usage(folder).free
            if needed > free:
                raise DownloadError(f"{packed} unpacks to {needed:,} bytes, {free:,} are free in {folder.parent}")
            archive.extractall(folder, members)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, DownloadError):
            raise
        raise DownloadError(
            f"{packed} cannot be unpacked ({error}); delete it and run the same command again"
        ) from error


def _require_inside(packed: Path, member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    linked = stat.S_ISLNK(member.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or linked:
        raise DownloadError(f"{packed}: the member {member.filename!r} leads out of the archive; nothing was unpacked")
