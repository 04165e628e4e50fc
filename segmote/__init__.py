"""SegMoTE and the IMIS network that it stands on. Knows nothing of adapters or of the benchmark."""
