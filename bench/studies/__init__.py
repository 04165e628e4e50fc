"""Studies of SegMoTE: its routing, its embeddings, and the paper's ablations."""
