"""The benchmark: data, prompts, runs, scores, tables and the command line."""
