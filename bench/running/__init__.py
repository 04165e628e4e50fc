"""The three verbs in a row: predict, score, report."""
