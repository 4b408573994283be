// Checks on virtual time with random scripts, hangs, pauses of this process and orders, against a model of what
// must come out. What fails names its seed; HEALTH_SEEDS asks for more of them.
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "health/check.hpp"
#include "tests/unit/health_support.hpp"

namespace vrrpd::health::health_property_test {
namespace {

using namespace test;

/// Judges as the contract says, from the whole history.
struct Model {
    CheckOptions options;
    Verdict verdict = options.init_fail ? Verdict::down : Verdict::unknown;
    bool settled = false;
    int successes = 0;  // in a row
    int failures = 0;

    void feed(bool success) {
        successes = success ? successes + 1 : 0;
        failures = success ? 0 : failures + 1;
        const bool up = success && (!settled || (verdict == Verdict::down && successes >= options.rise));
        const bool down = !success && failures >= options.fall && !(settled && verdict == Verdict::down);
        if (up) verdict = Verdict::up;
        if (down) verdict = Verdict::down;
        settled = settled || up || down;
    }
};

class World {
  public:
    explicit World(unsigned seed) : random_(seed) {
        options_.kind = Kind::script;
        options_.interval = std::chrono::milliseconds(number(20, 2000));
        options_.timeout = std::chrono::milliseconds(number(1, 1000));
        options_.timeout = std::min(options_.timeout, options_.interval);
        options_.fast_fail = chance(70);
        starter_.decide = [this] { decide(); };
        for (std::size_t i = 0; i < 3; ++i) add(i);
    }

    void run() {
        for (int step = 0; step < 200 && !::testing::Test::HasFailure(); ++step) {
            if (chance(3)) mood_ = number(0, 3);
            if (chance(5)) pause();
            if (chance(3)) restart(static_cast<std::size_t>(number(0, 2)));
            if (chance(10)) checks_[static_cast<std::size_t>(number(0, 2))]->probe_now();
            loop_.advance(std::chrono::milliseconds(number(1, 300)));
            ASSERT_LE(starter_.running(), 1u) << "three checks of one question share its answers";
            compare();
        }
        hang_is_found_in_time();
    }

  private:
    void add(std::size_t index) {
        CheckOptions options = options_;
        options.name = std::string("check").append(std::to_string(index));
        options.fall = number(1, 4);
        options.rise = number(1, 4);
        options.init_fail = chance(50);
        models_.push_back({options});
        checks_.push_back(
            std::make_unique<Check>(probers_, options, [this, index](const Report& report) { told(index, report); }));
        checks_.back()->start();
        joined_.push_back(decided_.size());
    }

    // Well, failing, hanging, or any of it: a service is ill for a while.
    void decide() {
        const int kind = mood_ == 3 ? number(0, 2) : mood_;
        starter_.takes = Duration(number(0, 3) == 0 ? options_.timeout / 2 : Duration::zero());
        starter_.outcome = kind == 0   ? std::optional(good_exit)
                           : kind == 1 ? std::optional(exit_code(1))
                                       : std::nullopt;
        decided_.push_back(kind == 0);
    }

    void told(std::size_t index, const Report& report) {
        EXPECT_EQ(report.count, report.needed);
        EXPECT_EQ(report.finding.success(), report.verdict == Verdict::up);
        // That it is ill in another way is no other verdict.
        if (report.count > 0) reports_[index].push_back(report.verdict);
    }

    /// Every probe but one that still runs has been judged by all who had joined before it.
    void compare() {
        const bool running = starter_.running() > 0;
        for (std::size_t i = 0; i < 3; ++i) {
            Model model{models_[i].options};
            std::vector<Verdict> changes;
            for (std::size_t probe = joined_[i]; probe + (running ? 1 : 0) < decided_.size(); ++probe) {
                const auto before = std::pair(model.verdict, model.settled);
                model.feed(decided_[probe]);
                if (std::pair(model.verdict, model.settled) != before) changes.push_back(model.verdict);
            }
            ASSERT_EQ(checks_[i]->verdict(), model.verdict) << "check " << i;
            ASSERT_EQ(reports_[i], changes) << "check " << i;
        }
    }

    // Shorter than what the deadline's extension is for does not count as one.
    void pause() { loop_.sleep_through(std::chrono::milliseconds(number(60, 5000))); }

    void restart(std::size_t index) {
        checks_[index]->stop();
        EXPECT_EQ(checks_[index]->verdict(), Verdict::unknown);
        loop_.advance(std::chrono::milliseconds(number(1, 50)));
        reports_[index].clear();
        checks_[index]->start();
        joined_[index] = decided_.size();
    }

    /// The promise of interval + fall x timeout, from any state that is well.
    void hang_is_found_in_time() {
        mood_ = 0;
        for (int i = 0; i < 20; ++i) loop_.advance(options_.interval);
        for (const auto& check : checks_) ASSERT_EQ(check->verdict(), Verdict::up);
        mood_ = 2;
        const Instant began = loop_.now();
        for (std::size_t i = 0; i < 3; ++i) {
            const int fall = models_[i].options.fall;
            const Duration bound = options_.fast_fail ? options_.interval + fall * options_.timeout
                                                      : fall * options_.interval + options_.timeout;
            loop_.advance_to(std::max(loop_.now(), began + bound));
            EXPECT_EQ(checks_[i]->verdict(), Verdict::down) << "fall " << fall;
        }
        compare();
    }

    int number(int lowest, int highest) { return std::uniform_int_distribution(lowest, highest)(random_); }
    bool chance(int percent) { return number(1, 100) <= percent; }

    std::mt19937 random_;
    vrrpd::test::FakeLoop loop_;
    FakeStarter starter_{loop_};
    Probers probers_{loop_, starter_};
    CheckOptions options_;
    int mood_ = 0;
    std::vector<bool> decided_;  // of each probe: good
    std::vector<Model> models_;
    std::vector<std::size_t> joined_;  // the first probe that is for it
    std::array<std::vector<Verdict>, 3> reports_;
    std::vector<std::unique_ptr<Check>> checks_;
};

TEST(HealthProperty, AgreesWithTheModelWhateverHappens) {
    const char* more = std::getenv("HEALTH_SEEDS");
    const unsigned seeds = more != nullptr ? static_cast<unsigned>(std::atoi(more)) : 200;
    for (unsigned seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World(seed).run();
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace vrrpd::health::health_property_test
