"""The tables of a run and the texts they are written as."""
