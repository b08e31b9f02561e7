#!/usr/bin/env bash
# limits prints every group, as JSON too, and refuses a CPU that is not there.
set -euo pipefail

limits=$1

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Every figure is a positive number: no "0," and no "nan".
json=$("$limits" --quick --json)
for name in aead primitives socket relay aes_128_gcm_seal_16384_gb_per_s x25519_derive_us \
  recv_524288_us bulk_s_per_gb small_us churn_us; do
  [[ $json == *"\"$name\": "* ]] || fail "no $name in $json"
done
[[ $json =~ ^\{(\"[a-z]+\":\ \{(\"[a-z0-9_]+\":\ [0-9.e+-]+(, )?)+\}(, )?)+\}$ ]] || fail "$json"
[[ ! $json =~ :\ 0[,\}] ]] || fail "a figure is 0: $json"

status=0
message=$("$limits" --cpu=99999 2>&1) || status=$?
[ $status = 2 ] || fail "--cpu=99999 ended with $status"
[[ $message == 'limits: --cpu=99999: this process may run on CPUs '* ]] || fail "got: $message"
echo 'PASSED'
