"""Which experts are chosen, where tokens look, how data sets lie to each other."""
