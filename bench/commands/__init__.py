"""The commands of the command line, a module a topic; `bench.cli` puts them together."""
