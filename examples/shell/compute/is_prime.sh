#!/bin/sh
# The work on one item: succeeds when the number is prime. Its exit code is all that it says.
set -eu

factors=$(factor "$1") # 12: 2 2 3
echo "$factors"
[ "$(echo "$factors" | wc -w)" -eq 2 ]
