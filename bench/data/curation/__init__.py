"""How good images and masks are, which of them a training set takes, and which patients it holds out."""
