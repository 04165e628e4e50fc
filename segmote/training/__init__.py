"""Training SegMoTE (section 4 of the paper): data, frozen embeddings, simulated user, losses, steps, checkpoints."""
