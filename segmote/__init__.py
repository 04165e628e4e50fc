"""SegMoTE and the IMIS network on which it is built; independent of the adapters and of the benchmark."""
