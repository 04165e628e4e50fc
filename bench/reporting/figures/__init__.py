"""Figures of a run: one module per family of figures, and one for their looks."""
