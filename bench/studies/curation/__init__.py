"""`bench curate`: a training set chosen from data sets on disk, with its manifest, pictures and data sheet."""
