#!/usr/bin/env bash
# All benchmarks, one after the other: each times whole commands beside a peer or the
# floor, in one run, alternating, and prints ratios. By hand only; takes half an hour.
#
#   bash benches/run.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
for bench in catalog metadata registry verify; do
  echo "== $bench"
  bash "./$bench.sh" "${1:-5}"
done
