"""Phantom copies of the sources of MedSeg-HQ in their official layouts."""
