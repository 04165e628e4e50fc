"""Procedural phantoms, which stand in for data that must not be redistributed."""

from bench.miniworld.phantoms.medical import medical_sample
from bench.miniworld.phantoms.medseg_hq import write_medseg_hq
from bench.miniworld.phantoms.sample import TrainingSample
from bench.miniworld.phantoms.shapes import shape_sample
from bench.miniworld.phantoms.zero_shot import write_zero_shot

__all__ = ["TrainingSample", "medical_sample", "shape_sample", "write_medseg_hq", "write_zero_shot"]
