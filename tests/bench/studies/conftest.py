"""An untrained network and the slices it is asked about."""

import pytest
import torch

import adapters
from adapters.families.segmote import MINI, SegmoteSegmenter
from bench.miniworld.phantoms.medseg_hq import write_medseg_hq
from bench.studies.questions import all_asked, data_sets
from tests.helpers.networks import network_of


@pytest.fixture(scope="package")
def segmenter():
    return SegmoteSegmenter(adapters.card("segmote/mini"), network_of(MINI), torch.device("cpu"), "fp32")


@pytest.fixture(scope="package")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("inside")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "bench.miniworld.phantoms.medseg_hq.CODES", {"PHANTOM_XRAY": "X-ray", "PHANTOM_DERMOSCOPY": "dermoscopy"}
        )
        write_medseg_hq(root, seed=0, images=24)
    return root


@pytest.fixture(scope="package")
def slices(data):
    return list(all_asked(data_sets(["imis"], data), "box", "bench", 0, []))
