#!/usr/bin/env bash
# Runs every test: whole daemons on virtual LANs, and beside them, since those mostly wait, the unit tests and the simulator
# with sanitizers and the fuzz targets; then what is timed, alone. Warnings are errors.
#   ./test.sh          the short form, under 15 minutes on two cores
#   ./test.sh --long   the long form: more seeds, 20 chaos runs, the package on booted hosts, the benchmarks, 5 minutes a fuzz target
# The last line is "N passed, N failed".
set -euo pipefail
shopt -s nullglob
cd "$(dirname "$0")"

unset "${!GTEST_@}" "${!SIM_@}"  # what would make the suite smaller without a word
long=
fuzz_seconds=5
sanitized_seeds=200  # the sanitizers make the simulator ten times as slow
case "${1:-}" in
    "") ;;
    --long) long=yes; export SIM_SEEDS=50000; fuzz_seconds=300; sanitized_seeds=5000 ;;
    *) echo "usage: ./test.sh [--long]" >&2; exit 2 ;;
esac

scripts/install-deps.sh test
export PATH=/usr/sbin:/usr/bin:/sbin:/bin  # the system's own python and tools, whatever else is installed

build=build-test
[ -f $build/build.ninja ] || meson setup $build --prefix=/usr -Dwerror=true -Ddebug=false -Dunity=on -Dunity_size=6 -Dtests=system >/dev/null
sanitized=$(scripts/sanitized-build)
meson compile -C $build

failed_runs=0
run_suite() {
    local directory=$1 name=$2; shift 2
    meson test -C "$directory" --no-rebuild --print-errorlogs --logbase "$name" "$@" || failed_runs=$((failed_runs + 1))
}
# A report of a sanitizer ends the program that caused it.
run_sanitized() {
    ninja -C $sanitized meson-test-prereq || return
    SIM_SEEDS=$sanitized_seeds run_suite $sanitized sanitized --no-suite alone --no-suite fuzz --num-processes 2 --timeout-multiplier 6
    tests/fuzz/run --seconds $fuzz_seconds || failed_runs=$((failed_runs + 1))
    return $failed_runs
}
rm -rf $build/*.xml {$build,$sanitized}/meson-logs/*.junit.xml $build/tests/lan-runs $build/systemd-*  # of an earlier run
# What runs on the LANs mostly waits, so the unit tests and the fuzz targets are built and run meanwhile.
(renice -n 19 $BASHPID >/dev/null; run_sanitized) >$build/sanitized.log 2>&1 &
sanitizing=$!
trap 'kill $sanitizing 2>/dev/null || true' EXIT
run_suite $build parallel --no-suite alone --num-processes 4
wait $sanitizing || failed_runs=$((failed_runs + 1))
trap - EXIT
cat $build/sanitized.log
run_suite $sanitized sanitized-alone --suite alone --num-processes 1 --timeout-multiplier 3
run_suite $build alone --suite alone --num-processes 1

if [ -n "$long" ]; then
    scripts/package --twice $build/package && tests/systemd/run --build $build --package $build/package ||
        failed_runs=$((failed_runs + 1))
    tests/chaos/seeds.py --seeds 20 --seconds 180 --jobs 3 --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/failover --runs 20 --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/protocol --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/bulk --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/holders --runs 5 --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/recipes --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/fixed_address --runs 2 --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/checks --build $build || failed_runs=$((failed_runs + 1))
    tests/bench/reload --build $build || failed_runs=$((failed_runs + 1))
fi

exec python3 tests/count_results.py --failed-runs $failed_runs {$build,$sanitized}/meson-logs/*.junit.xml
