#!/usr/bin/env bash
# Runs every test: the unit tests and the simulator with sanitizers; whole daemons on virtual LANs, first what mostly
# waits side by side, then what is timed alone; and the fuzz targets. Warnings are errors.
#   ./test.sh          the short form, under 15 minutes on two cores
#   ./test.sh --long   the long form: more seeds, 20 chaos runs, the package on booted hosts, the benchmarks, 5 minutes a fuzz target
# The last line is "N passed, N failed".
set -euo pipefail
shopt -s nullglob
cd "$(dirname "$0")"

unset "${!GTEST_@}" "${!SIM_@}"  # what would make the suite smaller without a word
long=
fuzz_seconds=20
case "${1:-}" in
    "") ;;
    --long) long=yes; export SIM_SEEDS=50000; fuzz_seconds=300; ;;
    *) echo "usage: ./test.sh [--long]" >&2; exit 2 ;;
esac

if [ -n "$long" ]; then scripts/install-deps.sh long; export PROMTOOL=promtool; else scripts/install-deps.sh test; fi
export PATH=/usr/sbin:/usr/bin:/sbin:/bin  # the system's own python and tools, whatever else is installed

build=build-test
sanitized=build-sanitize
fuzzed=build-fuzz
# Unit tests run in the sanitized build only, and without symbols but line numbers: building takes most of the time.
[ -f $build/build.ninja ] || meson setup $build -Dwerror=true -Ddebug=false -Dtests=system >/dev/null
[ -f $sanitized/build.ninja ] || meson setup $sanitized -Dwerror=true -Ddebug=false -Dcpp_args=-g1 \
    -Doptimization=1 -Db_sanitize=address,undefined -Dtests=unit >/dev/null
meson compile -C $build
meson compile -C $sanitized

failed_runs=0
run_suite() {
    local directory=$1 name=$2; shift 2
    meson test -C "$directory" --no-rebuild --print-errorlogs --logbase "$name" "$@" || failed_runs=$((failed_runs + 1))
}
rm -rf $build/*.xml {$build,$sanitized,$fuzzed}/meson-logs/*.junit.xml $build/tests/lan-runs  # of an earlier run
# A report of a sanitizer ends the program that caused it.
run_suite $sanitized sanitized --no-suite alone --num-processes 2 --timeout-multiplier 3
run_suite $sanitized sanitized-alone --suite alone --num-processes 1 --timeout-multiplier 3
# What runs on the LANs mostly waits, so the fuzz targets have the processors meanwhile.
nice -n 19 tests/fuzz/run --seconds $fuzz_seconds >$build/fuzz.log 2>&1 &
fuzzing=$!
run_suite $build parallel --no-suite alone --num-processes 4
wait $fuzzing || failed_runs=$((failed_runs + 1))
cat $build/fuzz.log
run_suite $build alone --suite alone --num-processes 1

if [ -n "$long" ]; then
    scripts/package $build/package && tests/systemd/run --build $build --package $build/package ||
        failed_runs=$((failed_runs + 1))
    tests/lan/chaos_seeds.py --seeds 20 --seconds 180 --jobs 3 --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/failover --runs 20 --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/protocol --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/bulk --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/holders --runs 5 --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/recipes --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/checks --build $build || failed_runs=$((failed_runs + 1))
fi

exec python3 tests/count_results.py --failed-runs $failed_runs {$build,$sanitized,$fuzzed}/meson-logs/*.junit.xml
