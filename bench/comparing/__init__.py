"""A run held against another run, a reference, or the paper."""
