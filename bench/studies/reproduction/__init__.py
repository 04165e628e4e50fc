"""The whole programme of the SegMoTE paper, step by step, and one report of what it gives."""
