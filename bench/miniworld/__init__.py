"""The mini world: phantoms, and the small networks that are trained on them."""
