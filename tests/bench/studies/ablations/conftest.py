"""An ablation of tiny networks."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from bench.miniworld.phantoms import medseg_hq
from bench.studies.ablations.setting import Setting
from segmote.imis.network import Imis
from segmote.recipe import PAPER_RECIPE
from tests.helpers.training_world import CONFIG


@pytest.fixture(scope="package")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    """Two sets to train on and one of another kind to test on; networks of a few thousand parameters."""
    root = tmp_path_factory.mktemp("ablations")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medseg_hq, "CODES", {"XRAY": "X-ray", "DERMOSCOPY": "dermoscopy"})
        medseg_hq.write_medseg_hq(root / "data", images=12)
        patch.setattr(medseg_hq, "CODES", {"ULTRASOUND": "ultrasound"})
        medseg_hq.write_medseg_hq(root / "foreign", images=12)
    torch.manual_seed(0)
    state = {name: value.contiguous() for name, value in Imis(CONFIG, root / "merges.txt").state_dict().items()}
    save_file(state, root / "base.safetensors")
    return Setting(
        network=CONFIG,
        recipe=replace(PAPER_RECIPE, epochs=1, batch=4, rate=1e-2),
        base=root / "base.safetensors",
        card="segmote/mini",
        data=root / "data",
        test_data=root / "foreign",
        zero_shot=("imis",),
        four=("xray",),
        seven=("xray", "dermoscopy"),
        seeds=3,
        most_seeds=3,
        limit=4,
        slices=None,
        work=root / "work",
        world="phantom",
    )
