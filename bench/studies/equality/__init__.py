"""Does our faster arithmetic give what the authors' code gives? The proof behind `bench verify-fast`."""
