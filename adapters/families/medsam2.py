"""MedSAM2: SAM 2.1 Hiera-T at 512 pixels, fine-tuned on medical volumes and videos, on the package `sam2`.

Pitfalls:

- Three values differ from the configuration of SAM 2.1 Hiera-T: the side of the input and the two sizes of the feature
  map in the memory attention. The weights fit the 1024-pixel network too, without an error and with other masks.
- Low-resolution masks, and the masks handed back, are 128 x 128, not 256 x 256.
- The image is resized by Pillow's bicubic filter on uint8, as in the released scripts, not as a float tensor by a
  bilinear filter as in SAM 2's own image predictor. The scripts spread the intensities of the *volume* over 0..255
  before that (CT by a window), which here is the rule of the data set.
- The authors' repository ships a changed package that is also called `sam2`; where both are installed, one hides the
  other. Nothing of theirs is needed here. `SAM2ImagePredictor` fails at 512 pixels: it holds the feature sizes of 1024.
- The published training configuration starts from a box or a mask and corrects by clicks; one click alone is not
  trained. The recommended file is `latest`; `mri_liverlesion` is reported to segment the liver (bowang-lab/MedSAM2
  issue 35). Which data sets were seen is not known, except that LIDC was trained on as a whole (issue 5).
- The 3-D scripts keep the largest component of a volume's mask; here the mask stays as the network draws it.
- Not to be confused with Medical-SAM2, another network of another group, nor with MedSAM (`medsam/vit_b`).
"""

import torch
from sam2.modeling.sam2_base import SAM2Base

from adapters import geometry
from adapters.families.sam2 import Sam2Segmenter, official_network, standardised
from adapters.geometry import Frame
from adapters.interface import Image
from adapters.pinned import to_device

SIDE = 512
GRID = SIDE // 16  # of the embedding
CHANGES = {
    "image_size": SIDE,
    "memory_attention.layer.self_attention.feat_sizes": [GRID, GRID],
    "memory_attention.layer.cross_attention.feat_sizes": [GRID, GRID],
}


class MedSam2Segmenter(Sam2Segmenter):
    """MedSAM2 behind the `Segmenter` interface."""

    @staticmethod
    def build(variant: str) -> SAM2Base:
        """The untrained network, in evaluation mode; all variants have the same."""
        return official_network("hiera_tiny", CHANGES)

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) of an (H, W, 3) uint8 image, and where the image lies in it."""
        frame = geometry.squash(image.shape[:2], self.side)
        resized = to_device(torch.from_numpy(geometry.resize_bicubic(image, frame.content)), self.device)
        return standardised(resized.permute(2, 0, 1).float() / 255), frame
