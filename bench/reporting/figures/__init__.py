"""Figures of a run: one module a family, one for the looks, `draw` for all of them."""
