"""The run folder on disk: the only room that knows where the files of a run lie."""
