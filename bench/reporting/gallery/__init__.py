"""Pictures with outlines: which are shown, from which files, in what order."""
