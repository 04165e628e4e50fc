"""The paper's ablations on any data: number of experts, prompt queries, decoder tuning, size."""
