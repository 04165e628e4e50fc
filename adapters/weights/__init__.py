"""Weights files: where they come from, how they are fetched, checked, converted and loaded."""
