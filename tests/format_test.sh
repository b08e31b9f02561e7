#!/usr/bin/env bash
# Every C++ file of ours is formatted as .clang-format says.
set -euo pipefail

# This file is a link into the source tree, where all the others stand: no list to keep.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
cd "$root"
mapfile -d '' -t files < <(
  find bench config engine tests tls tools \( -name '*.h' -o -name '*.cc' \) -print0
)
if [ ${#files[@]} -eq 0 ]; then
  echo "no C++ file found under $root" >&2
  exit 1
fi
if ! clang-format --dry-run -Werror "${files[@]}"; then
  echo "Run clang-format -i on the files named above." >&2
  exit 1
fi
