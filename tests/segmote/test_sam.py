"""SAM's modules come without what their package loads beside them, and are those of the package."""

import subprocess
import sys

import pytest

SAME = """
import sys
{before}
from segmote.sam import MaskDecoder, Sam, sam_model_registry
alone = not {{"torchvision", "torch._dynamo"}} & set(sys.modules)
import segment_anything
from segment_anything.modeling import MaskDecoder as TheirDecoder
assert segment_anything.SamPredictor and segment_anything.modeling.Sam is Sam and TheirDecoder is MaskDecoder
assert segment_anything.sam_model_registry is sam_model_registry
print(alone)
"""


def output(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(("before", "alone"), [("", "True"), ("import segment_anything", "False")])
def test_the_modules_are_the_packages_own_whichever_comes_first(before, alone):
    assert output(SAME.format(before=before)) == alone


@pytest.mark.parametrize("family", ["sam", "sam2", "medsam", "huang", "sam_med2d", "imis", "segmote"])
def test_no_family_loads_torchvision_or_the_compiler(family):
    code = f"import sys, adapters.families.{family}; print({{'torchvision', 'torch._dynamo'}} & set(sys.modules))"
    assert output(code) == "set()"
