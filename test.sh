#!/usr/bin/env bash
# Runs every test: builds with warnings as errors, then what mostly waits side by side, then what is timed alone.
#   ./test.sh          the short form, under 15 minutes on two cores
#   ./test.sh --long   the long form: more seeds, more runs, the benchmarks
# The last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")"

unset "${!GTEST_@}" "${!SIM_@}"  # what would make the suite smaller without a word
long=
case "${1:-}" in
    "") ;;
    --long) long=yes; export SIM_SEEDS=50000 ;;
    *) echo "usage: ./test.sh [--long]" >&2; exit 2 ;;
esac

scripts/install-deps.sh test
export PATH=/usr/sbin:/usr/bin:/sbin:/bin  # the system's own python and tools, whatever else is installed

build=build-test
[ -f $build/build.ninja ] || meson setup $build -Dwerror=true >/dev/null
meson compile -C $build

failed_runs=0
run_suite() {
    local name=$1; shift
    meson test -C $build --no-rebuild --print-errorlogs --logbase "$name" "$@" || failed_runs=$((failed_runs + 1))
}
rm -rf $build/*.xml $build/meson-logs/*.junit.xml $build/tests/lan-runs  # of an earlier run
run_suite parallel --no-suite alone --num-processes 4
run_suite alone --suite alone --num-processes 1

if [ -n "$long" ]; then
    tests/bench/failover --runs 20 --build $build || failed_runs=$((failed_runs + 1))
fi

exec python3 tests/count_results.py --failed-runs $failed_runs $build/meson-logs/*.junit.xml
