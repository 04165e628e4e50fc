"""The mini world's weights: how they are trained."""
