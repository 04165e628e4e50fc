"""Every weights file that is known: source, size, checksum and licence.

Only MedicoSAM's authors publish a checksum. SAM's and SAM 2.1's agree in several independent projects, MedSAM's comes
from one mirror, MedSAM2's are not known; the first digits of SAM's md5 stand in its file names.
"""

from dataclasses import dataclass

SAM_ADDRESS = "https://dl.fbaipublicfiles.com/segment_anything/"
SAM2_ADDRESS = "https://dl.fbaipublicfiles.com/segment_anything_2/092824/"
# A revision fixes the files, of which no checksum is published.
MEDSAM2_ADDRESS = "https://huggingface.co/wanglab/MedSAM2/resolve/e4a6f35edd7e091619cbc0750f462f1574e23955/"
SEVERAL = "third parties (several independent projects agree); not published by the authors"


@dataclass(frozen=True, slots=True)
class Entry:
    """One weights file.

    Attributes:
        name: "family/variant".
        file: name of the file in the weights folder, or its path there.
        url: address that a program can fetch, None if it must be downloaded by hand.
        page: web page with the download link.
        bytes: size of the file, None if unknown.
        sha256, md5: checksums in hexadecimal, None if unknown.
        checked_by: who states the size and the checksums.
        licence: of the weights.
        licence_note: what the licence rests on.
        trained_on: data sets the weights have seen.
        xxh128: a checksum against damage, not forgery, where the authors publish it.
    """

    name: str
    file: str
    url: str | None
    page: str
    bytes: int | None
    sha256: str | None
    md5: str | None
    checked_by: str
    licence: str
    licence_note: str
    trained_on: str
    xxh128: str | None = None


def _sam(variant: str, file: str, size: int, sha256: str, md5: str) -> Entry:
    return Entry(
        name=f"sam/{variant}",
        file=file,
        url=SAM_ADDRESS + file,
        page="https://github.com/facebookresearch/segment-anything#model-checkpoints",
        bytes=size,
        sha256=sha256,
        md5=md5,
        checked_by=SEVERAL,
        licence="Apache-2.0",
        licence_note="the README says so for the model; the SA-1B data have a research licence of their own",
        trained_on="SA-1B",
    )


def _sam2(variant: str, size: int, sha256: str) -> Entry:
    file = f"sam2.1_{variant}.pt"
    return Entry(
        name=f"sam2/{variant}",
        file=file,
        url=SAM2_ADDRESS + file,
        page="https://github.com/facebookresearch/sam2#sam-21-checkpoints",
        bytes=size,
        sha256=sha256,
        md5=None,
        checked_by=SEVERAL,
        licence="Apache-2.0",
        licence_note="the repository says so for code and checkpoints",
        trained_on="SA-1B, SA-V, internal video",
    )


def _medsam2(variant: str, name: str) -> Entry:
    file = f"MedSAM2_{name}.pt"
    return Entry(
        name=f"medsam2/{variant}",
        file=file,
        url=MEDSAM2_ADDRESS + file,
        page="https://huggingface.co/wanglab/MedSAM2",
        bytes=None,
        sha256=None,
        md5=None,
        checked_by="nobody; the address names a revision, so the file behind it cannot change",
        licence="CC-BY-SA-4.0, for research and education only",
        licence_note="the Hugging Face page says CC-BY-SA-4.0 and restricts the use; the code is Apache-2.0",
        trained_on="medical volumes and videos whose list was not read, on top of SAM 2.1",
    )


ENTRIES = (
    _sam(
        "vit_b",
        "sam_vit_b_01ec64.pth",
        375042383,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        "01ec64d29a2fca3f0661936605ae66f8",
    ),
    _sam(
        "vit_l",
        "sam_vit_l_0b3195.pth",
        1249524607,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        "0b3195507c641ddb6910d2bb5adee89c",
    ),
    _sam(
        "vit_h",
        "sam_vit_h_4b8939.pth",
        2564550879,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        "4b8939a88964f0f4ff5f5b2642c598a6",
    ),
    _sam2("hiera_tiny", 156008466, "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69"),
    _sam2("hiera_small", 184416285, "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38"),
    _sam2("hiera_base_plus", 323606802, "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5"),
    _sam2("hiera_large", 898083611, "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318"),
    Entry(
        name="medsam/vit_b",
        file="medsam_vit_b.pth",
        url=None,
        page="https://drive.google.com/drive/folders/1ETWmi4AiniJeWOt6HAsYgTjYv_fkgzoN",
        bytes=375049145,
        sha256="34b34b78c1d18cb8c6bf84cf9c00e135d6d6c965699f3c0e31ef1bc9dcb5be74",
        md5=None,
        checked_by="one mirror; not published by the authors",
        licence="Apache-2.0",
        licence_note="stated on the lab's Hugging Face page (wanglab/medsam-vit-base); the repository is silent",
        trained_on="public medical sets of 10 modalities (1.57 million image-mask pairs)",
    ),
    Entry(
        name="medicosam/vit_b",
        file="vit_b_medicosam.pt",
        url="https://owncloud.gwdg.de/index.php/s/f5Ol4FrjPQWfjUF/download",
        page="https://github.com/computational-cell-analytics/medico-sam",
        bytes=None,
        sha256=None,
        md5=None,
        checked_by="the authors, in the package micro-sam (vit_b_medical_imaging)",
        licence="MIT",
        licence_note="stated for the repository; nothing is said of the weights alone",
        trained_on="medical images whose list was not read, on top of SA-1B",
        xxh128="40169f1e3c03a4b67bff58249c176d92",
    ),
    _medsam2("latest", "latest"),
    _medsam2("2411", "2411"),
    _medsam2("us_heart", "US_Heart"),
    _medsam2("mri_liverlesion", "MRI_LiverLesion"),
    _medsam2("ctlesion", "CTLesion"),
    Entry(
        name="sam3/tracker",
        file="sam3/model.safetensors",
        url=None,
        page="https://huggingface.co/facebook/sam3",
        bytes=None,
        sha256=None,
        md5=None,
        checked_by="nobody; about 3.4 GB, behind a form",
        licence="SAM License (19 November 2025)",
        licence_note="redistribution under the same terms, acknowledgement in publications, no military use",
        trained_on="SA-Co and other images and videos; the full list was not read",
    ),
    Entry(
        name="huang/vit_b",
        file="medsam_box_best.pth",
        url=None,
        page="https://drive.google.com/drive/folders/1jry-07RxGYQnT9cQE8weuCZurDCu58pj",
        bytes=None,
        sha256=None,
        md5=None,
        checked_by="nobody; the file name is the one the authors' test script expects",
        licence="none stated",
        licence_note="the repository has no licence: all rights reserved",
        trained_on="COSMOS 1050K (53 public medical sets), on top of SA-1B",
    ),
    Entry(
        name="sam-med2d/vit_b",
        file="sam-med2d_b.pth",
        url=None,
        page="https://drive.google.com/file/d/1ARiB5RkSsWmAB_8mqWnwDF8ZKTtFwsjl",
        bytes=None,
        sha256=None,
        md5=None,
        checked_by="nobody; about 2.56 GB with the pickled optimiser, about 1.09 GB as a bare state dict",
        licence="Apache-2.0",
        licence_note="stated for the project as a whole",
        trained_on="SA-Med2D-20M",
    ),
    Entry(
        name="imis/vit_b",
        file="IMISNet-B.pth",
        url=None,
        page="https://github.com/uni-medical/IMIS-Bench",
        bytes=None,
        sha256=None,
        md5=None,
        checked_by="nobody",
        licence="none stated",
        licence_note="the repository has no licence: all rights reserved",
        trained_on="IMed-361M",
    ),
    Entry(
        name="imis/vocabulary",
        file="bpe_simple_vocab_16e6.txt.gz",
        url="https://github.com/openai/CLIP/raw/main/clip/bpe_simple_vocab_16e6.txt.gz",
        page="https://github.com/openai/CLIP/tree/main/clip",
        bytes=1356917,
        sha256="924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
        md5=None,
        checked_by="the copy in the PyPI wheel of open_clip_torch 3.3.0; not published by the authors",
        licence="MIT",
        licence_note="the repository says so; not weights, but what CLIP's text tower calls a word",
        trained_on="text of CLIP's image-text pairs",
    ),
    Entry(
        name="segmote/released",
        file="segmote.pth",
        url=None,
        page="https://huggingface.co/yujielu/SegMoTE",
        bytes=None,
        sha256=None,
        md5=None,
        checked_by="nobody",
        licence="not known",
        licence_note="the repository is under MIT, which need not hold for the weights; read the page before use",
        trained_on="MedSeg-HQ, on top of IMISNet-B",
    ),
)
