#!/usr/bin/env bash
# The whole life of an application on this machine, without an account: start a local cloud, build
# the application in it, run a job, show its results, take everything down. `make demo` calls it.
# It works in a folder of its own, and leaves nothing behind: nothing runs on when a step fails.
set -euo pipefail

UNIVERSE=AAPL,AMZN,GOOG,IBM,MSFT,000002.XSHE,000004.XSHE
JOB=demo-$(date +%Y%m%d-%H%M%S)

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
cp "$repository/config.yaml" "$folder"
cd "$folder"

running=yes
leave() {
    local status=$?
    trap - EXIT
    if [[ -n $running ]]; then batchctl local stop >&2 || status=1; fi
    cd /
    rm -rf "$folder"
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

microseconds() { # since the epoch; the decimal sign depends on the locale
    echo "${EPOCHREALTIME/[.,]/}"
}

seconds() { # of so many microseconds, as 12.3
    printf '%d.%d' $(($1 / 1000000)) $(($1 / 100000 % 10))
}

report=
begin=$(microseconds)

stage() { # NAME COMMAND...: run the command and note how long it took
    local name=$1 start
    shift
    printf '\n$ %s\n' "$*" >&2
    start=$(microseconds)
    "$@"
    report+=$(printf '  %-28s %6s s' "$name" "$(seconds $(($(microseconds) - start)))")$'\n'
}

stage 'start the local cloud' batchctl local start
stage 'build the application' batchctl --local up --yes
stage 'run the job' batchctl --local submit --job-id "$JOB" --universe "$UNIVERSE" --wait
stage 'show the results' batchctl --local results "$JOB"
stage 'take the application down' batchctl --local down --yes --delete-data
stage 'stop the local cloud' batchctl local stop
running=

report+=$(printf '  %-28s %6s s' 'in all' "$(seconds $(($(microseconds) - begin)))")
printf '\nWhere the time went:\n%s\n' "$report" >&2
