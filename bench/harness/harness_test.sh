#!/usr/bin/env bash
# The tests in harness_test.py, run by Debian's python3.
set -euo pipefail
PYTHONPATH=$PWD/bench PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 -m unittest harness.harness_test
