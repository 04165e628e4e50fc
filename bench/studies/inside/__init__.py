"""Inside SegMoTE: which experts are chosen, what the tokens attend to, how embeddings of data sets are arranged."""
