#!/usr/bin/env bash
# make_certificates writes a set that belongs together, with keys that only their owner can read,
# and says clearly what is wrong with its command line.
set -euo pipefail

make_certificates=$1
folder=$TEST_TMPDIR/certificates

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# The message of a call that must fail with 1.
refused() {
  local message status=0
  message=$("$make_certificates" "$@" 2>&1) || status=$?
  [ "$status" = 1 ] || fail "$* ended with $status: $message"
  echo "$message"
}

umask 000
mkdir "$folder"
touch "$folder/server.key"
chmod 666 "$folder/server.key"
for _ in 1 2; do
  "$make_certificates" --directory="$folder" --server_names=backend.test,127.0.0.1 --client_name=me
  for name in server client; do
    [ "$(stat -c %a "$folder/$name.key")" = 600 ] || fail "$name.key is readable by others"
    grep -q 'BEGIN PRIVATE KEY' "$folder/$name.key" || fail "$name.key holds no key"
  done
  [ "$(ls "$folder" | tr '\n' ' ')" = 'ca.pem client.key client.pem server.key server.pem ' ] ||
    fail "unexpected files: $(ls "$folder")"
done

expect() {
  local message
  message=$(refused "${@:2}")
  [ "$message" = "make_certificates: $1" ] || fail "got: $message"
}
expect 'say with --directory=FOLDER where the files go'
expect '--server_names: "a b" is neither a host name nor an IP address' \
  --directory="$folder" --server_names='a b'
expect '--server_names is empty; name at least one' --directory="$folder" --server_names=
expect '--client_name must have 1 to 64 bytes' --directory="$folder" --client_name=
expect '--days must be 1 to 36500' --directory="$folder" --days=0
expect 'what is "extra"? Try --help' --directory="$folder" extra
expect "cannot make \"$folder/no/such\": No such file or directory" --directory="$folder/no/such"
echo 'PASSED'
