"""SegMoTE under the lens: what it is asked, what it answers, what the paper's ablations compare."""
