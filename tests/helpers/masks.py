"""Masks drawn by Hypothesis: small, of any outline, never empty."""

from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

masks = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))).filter(lambda mask: mask.any())
