#!/usr/bin/env bash
# Installs the Debian packages that are missing, and only those.
#
#   tools/setup.sh build         what building takes
#   tools/setup.sh build test    and what the tests run besides
#   tools/setup.sh build bench   and what bench/compare compares with
#
# Says nothing and asks apt for nothing when all is there. Needs root or sudo otherwise.
set -euo pipefail

# dpkg-dev and xz-utils fetch and unpack the pinned sources of third_party/.
build_packages=(bazel-bootstrap bazel-platforms bazel-rules-java bazel-rules-proto bazel-skylib
  ca-certificates dpkg-dev g++ git nasm xz-utils)
# Real peers, system call faults, the formatter that tests/format_test.sh asks, the model checker of
# tests/model, and libFuzzer with the compiler it belongs to.
test_packages=(clang clang-format gnutls-bin libclang-rt-14-dev libnginx-mod-stream nginx-light openssl
  relacy-dev strace)
# Peers, foreign clients, and what draws the report of bench/compare.
bench_packages=(haproxy iperf3 libnginx-mod-stream nghttp2-client nginx-light openssl python3
  python3-matplotlib wrk)

usage() {
  echo "usage: tools/setup.sh build [test] [bench]" >&2
  exit 2
}

[ $# -gt 0 ] || usage
wanted=()
for part in "$@"; do
  case $part in
    build) wanted+=("${build_packages[@]}") ;;
    test) wanted+=("${test_packages[@]}") ;;
    bench) wanted+=("${bench_packages[@]}") ;;
    *) usage ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "Missing packages, and neither root nor sudo without a password to install them. Run:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi

echo "Installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A policy-rc.d for the length of this call keeps nginx's package from starting a service of its own.
if ! "${as_root[@]}" bash -s -- "${missing[@]}" >"$log" 2>&1 <<'AS_ROOT'
set -euo pipefail
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
# apt must not read this script's rest from stdin.
apt-get -q update </dev/null
apt-get -q -y install --no-install-recommends "$@" </dev/null
AS_ROOT
then
  cat "$log" >&2
  echo "Could not install ${missing[*]}: see apt's words above." >&2
  exit 1
fi
