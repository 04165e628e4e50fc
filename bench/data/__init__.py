"""From files on disk to cases and their slices."""
