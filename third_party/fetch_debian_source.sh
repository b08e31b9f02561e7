#!/usr/bin/env bash
# Fetches one pinned Debian source tarball and prints its path.
#
#   fetch_debian_source.sh PACKAGE=VERSION TARBALL SHA256
#
# Uses the archive that the machine's own apt is configured for, with a private
# list that names only source indexes, so neither root nor a change to
# the machine's configuration is needed. Tarballs are kept by checksum in
# ${XDG_CACHE_HOME:-~/.cache}/sluice: a second build fetches nothing.
set -euo pipefail

pinned=$1 tarball=$2 sha256=$3
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sluice/sources
kept=$cache/$sha256/$tarball

matches() { echo "$sha256  $1" | sha256sum --check --status 2>/dev/null; }

if matches "$kept"; then
  echo "$kept"
  exit 0
fi

mkdir -p "$cache"
# One fetch at a time: Bazel runs repository rules side by side.
exec 9>"$cache/lock"
flock 9
if matches "$kept"; then
  echo "$kept"
  exit 0
fi

archive=$(apt-get indextargets --format '$(REPO_URI)' \
  'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | sort -u | head -n 1)
if [ -z "$archive" ]; then
  echo "apt on this machine knows no Debian archive; run 'apt-get update' first" >&2
  exit 1
fi

apt_dir=$cache/apt
mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
for suite in bookworm trixie; do
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $suite main"
done >"$apt_dir/sources.list"
apt=(apt-get -q
  -o "Dir::Etc::sourcelist=$apt_dir/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o "Dir::State::Lists=$apt_dir/lists" -o "Dir::Cache=$apt_dir/cache"
  -o APT::Sandbox::User= -o Acquire::Retries=3)

fetch() {
  (cd "$apt_dir" && "${apt[@]}" source --tar-only --download-only "$pinned") >"$apt_dir/log" 2>&1
}
# The source index is fetched once a day at most; a version it lacks gets one more try.
if [ -z "$(find "$apt_dir/lists" -maxdepth 1 -name '*Sources*' -mmin -1440)" ]; then
  "${apt[@]}" update >"$apt_dir/update.log" 2>&1 || { cat "$apt_dir/update.log" >&2; exit 1; }
fi
if ! fetch; then
  "${apt[@]}" update >"$apt_dir/update.log" 2>&1 || { cat "$apt_dir/update.log" >&2; exit 1; }
  fetch || { cat "$apt_dir/log" >&2; exit 1; }
fi

if ! matches "$apt_dir/$tarball"; then
  echo "$tarball: sha256 is $(sha256sum "$apt_dir/$tarball" | cut -d' ' -f1), pinned is $sha256" >&2
  exit 1
fi
mkdir -p "$cache/$sha256"
mv "$apt_dir/$tarball" "$kept"
echo "$kept"
