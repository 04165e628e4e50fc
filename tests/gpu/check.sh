#!/usr/bin/env bash
# Everything that needs a GPU, in at most eight minutes: `tests/gpu/check.sh` on a machine with one,
# `tests/gpu/check.sh --device cpu --small` as a rehearsal without. Results go to results/performance.
# Packages that a bare machine lacks are taken from .whl/, if that folder is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
if compgen -G ".whl/*.whl" > /dev/null; then
  python3 -m pip install -q --no-index --no-deps .whl/*.whl
  python3 -m pip install -q --no-index --no-deps --no-build-isolation -e .
fi
exec python3 -m tests.gpu.check "$@"
