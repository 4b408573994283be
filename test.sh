#!/usr/bin/env bash
# Runs every test: builds with warnings as errors, then what mostly waits side by side, then what is timed alone; then
# the unit tests and the simulator once more with sanitizers, and the fuzz targets.
#   ./test.sh          the short form, under 15 minutes on two cores
#   ./test.sh --long   the long form: more seeds, more runs, the benchmarks, 5 minutes a fuzz target
# The last line is "N passed, N failed".
set -euo pipefail
shopt -s nullglob
cd "$(dirname "$0")"

unset "${!GTEST_@}" "${!SIM_@}"  # what would make the suite smaller without a word
long=
fuzz_seconds=20
sanitized_seeds=100
case "${1:-}" in
    "") ;;
    --long) long=yes; export SIM_SEEDS=50000; fuzz_seconds=300; sanitized_seeds=2000 ;;
    *) echo "usage: ./test.sh [--long]" >&2; exit 2 ;;
esac

scripts/install-deps.sh test
export PATH=/usr/sbin:/usr/bin:/sbin:/bin  # the system's own python and tools, whatever else is installed

build=build-test
sanitized=build-sanitize
fuzzed=build-fuzz
[ -f $build/build.ninja ] || meson setup $build -Dwerror=true >/dev/null
meson compile -C $build

failed_runs=0
run_suite() {
    local directory=$1 name=$2; shift 2
    meson test -C "$directory" --print-errorlogs --logbase "$name" "$@" || failed_runs=$((failed_runs + 1))
}
rm -rf $build/*.xml {$build,$sanitized,$fuzzed}/meson-logs/*.junit.xml $build/tests/lan-runs  # of an earlier run
run_suite $build parallel --no-rebuild --no-suite alone --num-processes 4
run_suite $build alone --no-rebuild --suite alone --num-processes 1

# Without what is timed alone, and what only reads the tree. A report of a sanitizer ends the program that caused it.
[ -f $sanitized/build.ninja ] ||
    meson setup $sanitized -Dwerror=true -Doptimization=1 -Db_sanitize=address,undefined >/dev/null
SIM_SEEDS=$sanitized_seeds run_suite $sanitized sanitized --suite unit --suite sim --no-suite alone --no-suite text \
    --timeout-multiplier 3
tests/fuzz/run --seconds $fuzz_seconds || failed_runs=$((failed_runs + 1))

if [ -n "$long" ]; then
    tests/bench/failover --runs 20 --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/protocol --build $build || failed_runs=$((failed_runs + 1))
fi

exec python3 tests/count_results.py --failed-runs $failed_runs {$build,$sanitized,$fuzzed}/meson-logs/*.junit.xml
