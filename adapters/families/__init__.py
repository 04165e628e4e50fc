"""One module for each model family, and what several of them share."""
