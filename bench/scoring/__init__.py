"""Stored masks against stored targets: overlaps, surface distances, lesions, clicks needed."""
