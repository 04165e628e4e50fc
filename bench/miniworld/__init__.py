"""The embedded mini world: phantoms instead of scans, small networks instead of published weights."""
