// Runs the simulator over many seeds.
//
//     SIM_SEEDS=N    N seeds instead of the short form
//     SIM_FIRST=N    beginning with this one
//     SIM_SEED=N     one seed, with a trace of all that happens
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/simulator.hpp"

namespace vrrpd::sim {
namespace {

constexpr std::uint64_t short_form = 3000;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

void add(Tally& total, const Tally& tally) {
    total.steps += tally.steps;
    total.promotions += tally.promotions;
    total.faults += tally.faults;
    total.stalls += tally.stalls;
    total.yields += tally.yields;
    total.group_steps += tally.group_steps;
    total.hooks += tally.hooks;
    total.adoptions += tally.adoptions;
    total.guard_acts += tally.guard_acts;
    total.strict_looks += tally.strict_looks;
    total.longest_strict = std::max(total.longest_strict, tally.longest_strict);
    total.longest_overlap = std::max(total.longest_overlap, tally.longest_overlap);
}

// On all cores: a run has nothing to do with another one.
Tally run_all(std::uint64_t first, std::uint64_t seeds) {
    std::atomic<std::uint64_t> next = first;
    std::atomic<int> failures = 0;
    std::mutex mutex;
    Tally total;
    const auto work = [&] {
        for (std::uint64_t seed = next++; seed < first + seeds && failures < 5; seed = next++) {
            Simulator simulator(draw_scenario(seed), nullptr);
            const std::string wrong = simulator.run();
            const std::lock_guard lock(mutex);
            add(total, simulator.tally());
            if (wrong.empty()) continue;
            ++failures;
            ADD_FAILURE() << "seed " << seed << ": " << wrong << "\n  see it: SIM_SEED=" << seed << " "
                          << program_invocation_name;
        }
    };
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) threads.emplace_back(work);
    threads.clear();  // waits for them
    return total;
}

// S05 S07: with sync groups and hooks, too.
TEST(Simulation, every_seed_is_safe_and_settles_E39) {
    if (std::getenv("SIM_SEED") != nullptr) {
        Simulator simulator(draw_scenario(number_from("SIM_SEED", 0)), &std::cout);
        EXPECT_EQ(simulator.run(), "");
        return;
    }
    const std::uint64_t seeds = number_from("SIM_SEEDS", short_form);
    const Tally total = run_all(number_from("SIM_FIRST", 1), seeds);
    std::cout << seeds << " seeds: " << total.steps << " steps, " << total.promotions << " promotions, " << total.yields
              << " yields, " << total.faults << " faults, " << total.stalls << " stalls, " << total.group_steps
              << " steps of groups, " << total.hooks << " hooks, " << total.adoptions << " adoptions, "
              << total.guard_acts << " acts of the guard; longest overlap on a segment that is disturbed no more "
              << milliseconds(total.longest_overlap) << " ms, on one that was quiet "
              << milliseconds(total.longest_strict) << " ms (" << total.strict_looks << " looks)\n";
    // A storm in which nothing happens proves nothing.
    EXPECT_GT(total.promotions, seeds);
    if (seeds < 100) return;
    EXPECT_GT(total.yields, seeds / 2);
    EXPECT_GT(total.faults, seeds / 2);
    EXPECT_GT(total.stalls, seeds / 20);
    EXPECT_GT(total.group_steps, seeds / 2);
    EXPECT_GT(total.hooks, seeds);
    EXPECT_GT(total.adoptions, seeds / 50);
    EXPECT_GT(total.guard_acts, seeds / 10);
    EXPECT_GT(total.strict_looks, seeds / 10);
}

// The same seed is the same run, to the last word of its trace.
TEST(Simulation, is_deterministic) {
    for (const std::uint64_t seed : {7u, 8u, 9u}) {
        std::ostringstream once, again;
        Simulator(draw_scenario(seed), &once).run();
        Simulator(draw_scenario(seed), &again).run();
        EXPECT_FALSE(once.str().empty());
        EXPECT_EQ(once.str(), again.str()) << seed;
    }
}

}  // namespace
}  // namespace vrrpd::sim
