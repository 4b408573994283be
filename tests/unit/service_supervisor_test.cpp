// The life of one service in virtual time: each test is the story of what came in and what was decided.
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "vrrpd/service/supervisor.hpp"

namespace vrrpd::service::service_supervisor_test {
namespace {

using namespace std::chrono_literals;

std::string words(const Step& step) {
    static const char* const actions[] = {"start", "TERM", "KILL", "probe", "no-probe", "check", "no-check"};
    static const char* const reports[] = {"READY", "STOPPED", "FAILED", "RESTARTED"};
    if (const auto* action = std::get_if<Action>(&step)) return actions[static_cast<int>(*action)];
    const auto& report = std::get<Report>(step);
    const std::string kind = reports[static_cast<int>(report.kind)];
    return report.text.empty() ? kind : kind + "(" + report.text + ")";
}

std::string words(const Steps& steps) {
    std::string text;
    for (const auto& step : steps) text += (text.empty() ? "" : " ") + words(step);
    return text;
}

const ExitStatus exit_1{ExitStatus::Kind::exited, 1};
const ExitStatus killed{ExitStatus::Kind::signalled, 9};

class SupervisorTest : public testing::Test {
  protected:
    SupervisorTest() {
        options_.name = "proxy";
        options_.command = {"/usr/sbin/proxy"};
        options_.listen = health::Endpoint{*IpAddress::parse("192.168.30.16"), 12000};
    }

    Supervisor& service() {
        if (!supervisor_) supervisor_.emplace(options_, check_in_standby_);
        return *supervisor_;
    }
    std::string run() { return words(service().want(Wish::serve, StopMode::planned, now_)); }
    std::string stop(StopMode mode) { return words(service().want(Wish::nothing, mode, now_)); }
    std::string standby(StopMode mode = StopMode::planned) { return words(service().want(Wish::standby, mode, now_)); }
    std::string ended(const ExitStatus& status = exit_1) { return words(service().child_ended(status, now_)); }
    std::string accepts() { return words(service().accepted(now_)); }
    std::string check_failed() { return words(service().check_failed("check says no")); }

    // Lets time pass, as a timer would: each deadline at its time.
    std::string pass(Duration time) {
        const Instant end = now_ + time;
        std::string text;
        while (service().next_deadline() <= end) {
            now_ = service().next_deadline();
            const std::string more = words(service().expire(now_));
            text += (text.empty() || more.empty() ? "" : " ") + more;
        }
        now_ = end;
        return text;
    }
    Duration until_deadline() { return service().next_deadline() - now_; }

    // A service that serves, its check being judged.
    void serve() {
        EXPECT_EQ(run(), "start probe");
        pass(5ms);
        EXPECT_EQ(accepts(), "no-probe check READY");
    }

    ServiceOptions options_;
    bool check_in_standby_ = false;
    std::optional<Supervisor> supervisor_;
    Instant now_{1000s};
};

TEST_F(SupervisorTest, IsReadyWhenItAccepts) {
    serve();
    EXPECT_TRUE(service().ready());
    EXPECT_EQ(service().next_deadline(), never);
    EXPECT_EQ(accepts(), "") << "told once";
}

TEST_F(SupervisorTest, WithoutAListenAddressIsReadyOnceStarted) {
    options_.listen.reset();
    EXPECT_EQ(run(), "start check READY");
}

TEST_F(SupervisorTest, FailsWhenItDoesNotAcceptInTime) {
    run();
    EXPECT_EQ(pass(1999ms), "");
    EXPECT_EQ(pass(1ms), "no-probe FAILED(not listening on 192.168.30.16:12000 2000 ms after its start)");
    EXPECT_EQ(accepts(), "") << "too late";
    EXPECT_EQ(stop(StopMode::fault), "TERM");
    EXPECT_EQ(ended(), "STOPPED");
    EXPECT_EQ(run(), "start probe") << "a new wish is a new chance";
}

TEST_F(SupervisorTest, IgnoringFailuresItIsReadyAnyway) {
    options_.on_failure = OnFailure::ignore;
    run();
    EXPECT_EQ(pass(2s), "no-probe check READY");
    EXPECT_EQ(check_failed(), "");
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(ended().find("FAILED"), std::string::npos);
        EXPECT_EQ(pass(35s).find("FAILED"), std::string::npos);
        EXPECT_TRUE(service().running());
    }
}

TEST_F(SupervisorTest, IgnoringFailuresItIsReadyAnywayWhileItWaitsToBeRestarted) {
    options_.on_failure = OnFailure::ignore;
    options_.restart_delay = 10s;
    run();
    ended();
    ended();
    EXPECT_EQ(pass(2s), "READY");
    EXPECT_EQ(pass(8s), "start probe");
    EXPECT_EQ(accepts(), "no-probe check READY");
}

TEST_F(SupervisorTest, AnEndIsRestartedInPlaceAtOnce) {
    serve();
    pass(10s);
    EXPECT_EQ(ended(killed), "no-check start probe RESTARTED(killed by signal 9, restarted at once)");
    EXPECT_FALSE(service().ready());
    pass(5ms);
    EXPECT_EQ(accepts(), "no-probe check READY");
}

TEST_F(SupervisorTest, AfterAnEndItHasItsStartTimeoutOnce) {
    serve();
    ended();
    EXPECT_EQ(pass(1500ms), "");
    ended();
    EXPECT_EQ(pass(499ms), "start probe");
    EXPECT_EQ(pass(1ms), "no-probe FAILED(not listening on 192.168.30.16:12000 2000 ms after its end)");
}

TEST_F(SupervisorTest, RestartsBackOffToThirtySecondsAndMostAMinuteMakesGood) {
    options_.restart_limit = 100;
    options_.start_timeout = 1h;
    serve();
    for (const Duration pause :
         {0ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30000ms, 30000ms}) {
        ended();
        if (pause == 0ms) {
            EXPECT_TRUE(service().running());
        } else {
            EXPECT_FALSE(service().running());
            EXPECT_EQ(until_deadline(), pause);
            EXPECT_EQ(pass(pause), "start probe");
        }
        accepts();
        pass(59s);
    }
    pass(1s);
    EXPECT_EQ(ended(), "no-check start probe RESTARTED(exit code 1, restarted at once)");
}

TEST_F(SupervisorTest, FailsAtTheLimitOfEndsInARow) {
    options_.restart_limit = 3;
    run();
    EXPECT_EQ(ended(), "no-probe start probe RESTARTED(exit code 1, restarted at once)");
    EXPECT_EQ(ended(), "no-probe RESTARTED(exit code 1, restarted in 200 ms)");
    EXPECT_EQ(pass(200ms), "start probe");
    EXPECT_EQ(ended(), "no-probe FAILED(exit code 1, 3 ends in a row)");
    EXPECT_EQ(pass(1h), "");
    EXPECT_EQ(stop(StopMode::fault), "STOPPED");
    EXPECT_EQ(run(), "start probe");
    EXPECT_EQ(ended(), "no-probe start probe RESTARTED(exit code 1, restarted at once)") << "counted anew";
}

TEST_F(SupervisorTest, FailingWhileItWaitsToBeRestartedEndsTheWait) {
    options_.restart_delay = 5s;
    run();
    ended();
    ended();
    EXPECT_EQ(pass(2s), "FAILED(not listening on 192.168.30.16:12000 2000 ms after its start)");
    EXPECT_EQ(pass(1h), "");
}

TEST_F(SupervisorTest, AProgramThatCannotBeStartedFails) {
    options_.listen.reset();
    run();
    const ExitStatus missing{ExitStatus::Kind::not_started, 2};
    EXPECT_EQ(ended(missing),
              "no-check start check RESTARTED(could not be started: No such file or directory, restarted at "
              "once) READY");
    ended(missing);
    EXPECT_EQ(pass(200ms), "start check READY");
    ended(missing);
    pass(400ms);
    ended(missing);
    pass(800ms);
    EXPECT_EQ(ended(missing), "no-check FAILED(could not be started: No such file or directory, 5 ends in a row)");
}

TEST_F(SupervisorTest, APlannedStopIsBounded) {
    serve();
    EXPECT_EQ(stop(StopMode::planned), "no-check TERM");
    EXPECT_EQ(pass(999ms), "");
    EXPECT_EQ(pass(1ms), "KILL");
    EXPECT_EQ(pass(1h), "");
    EXPECT_EQ(ended(killed), "STOPPED");
    EXPECT_EQ(service().next_deadline(), never);
    EXPECT_EQ(stop(StopMode::planned), "STOPPED") << "each wish is answered";
}

TEST_F(SupervisorTest, AStopAfterAFaultTakesATenthOfASecondAtMost) {
    serve();
    EXPECT_EQ(stop(StopMode::fault), "no-check TERM");
    EXPECT_EQ(until_deadline(), 100ms);
    EXPECT_EQ(pass(100ms), "KILL");
    EXPECT_EQ(ended(killed), "STOPPED");
}

TEST_F(SupervisorTest, AFaultShortensAPlannedStopButNotTheOtherWayRound) {
    serve();
    stop(StopMode::planned);
    pass(300ms);
    EXPECT_EQ(stop(StopMode::fault), "");
    EXPECT_EQ(until_deadline(), 100ms);
    EXPECT_EQ(stop(StopMode::planned), "");
    EXPECT_EQ(until_deadline(), 100ms);
}

TEST_F(SupervisorTest, AnEndWhileStoppingIsNotAFailure) {
    serve();
    stop(StopMode::planned);
    EXPECT_EQ(ended(exit_1), "STOPPED");
    EXPECT_EQ(pass(1h), "");
}

TEST_F(SupervisorTest, AStopEndsTheWaitForARestart) {
    run();
    ended();
    ended();
    EXPECT_EQ(stop(StopMode::planned), "STOPPED");
    EXPECT_EQ(pass(1h), "");
}

TEST_F(SupervisorTest, WantedAgainWhileStoppingItIsStartedWhenItHasEnded) {
    serve();
    stop(StopMode::planned);
    EXPECT_EQ(run(), "");
    EXPECT_EQ(pass(1s), "KILL");
    EXPECT_EQ(ended(killed), "start probe");
    EXPECT_EQ(until_deadline(), 2s);
    EXPECT_EQ(accepts(), "no-probe check READY");
}

TEST_F(SupervisorTest, WantedAgainButNeverEndingItFails) {
    serve();
    stop(StopMode::planned);
    run();
    EXPECT_EQ(pass(1s + 2s), "KILL FAILED(not listening on 192.168.30.16:12000 2000 ms after its stop)");
    EXPECT_EQ(ended(killed), "");
    EXPECT_EQ(stop(StopMode::fault), "STOPPED");
}

TEST_F(SupervisorTest, WantedAgainAfterItsSigkillItHasItsTimeFromThen) {
    serve();
    stop(StopMode::planned);
    EXPECT_EQ(pass(5s), "KILL");
    run();
    EXPECT_EQ(until_deadline(), 2s);
}

TEST_F(SupervisorTest, AWobbleLeavesTheProcessAlone) {
    serve();
    EXPECT_EQ(stop(StopMode::settled), "no-check");
    EXPECT_EQ(check_failed(), "") << "not judged without the VIP";
    EXPECT_EQ(pass(999ms), "");
    EXPECT_EQ(run(), "probe");
    EXPECT_EQ(accepts(), "no-probe check READY");
    EXPECT_EQ(pass(1h), "");
}

TEST_F(SupervisorTest, ASettledStopIsAPlannedStopASecondLater) {
    serve();
    stop(StopMode::settled);
    EXPECT_EQ(pass(1s), "TERM");
    EXPECT_EQ(until_deadline(), 1s);
    EXPECT_EQ(ended(), "STOPPED");

    serve();
    stop(StopMode::settled);
    EXPECT_EQ(ended(), "STOPPED") << "no restart while it settles";
    EXPECT_EQ(pass(1h), "");

    serve();
    stop(StopMode::settled);
    EXPECT_EQ(stop(StopMode::planned), "TERM") << "no need to wait any longer";
}

TEST_F(SupervisorTest, AfterAWobbleItMustAcceptInTime) {
    serve();
    pass(10s);
    EXPECT_EQ(run(), "no-check probe");
    EXPECT_EQ(pass(2s), "no-probe FAILED(not listening on 192.168.30.16:12000 2000 ms after it was asked for)");
}

TEST_F(SupervisorTest, AFailingCheckFailsAtOnce) {
    serve();
    EXPECT_EQ(check_failed(), "no-check FAILED(check says no)");
    EXPECT_EQ(check_failed(), "");
    EXPECT_EQ(stop(StopMode::fault), "TERM");
}

TEST_F(SupervisorTest, AnEndAfterAFailureIsLeftToTheOwner) {
    serve();
    check_failed();
    EXPECT_EQ(ended(), "");
    EXPECT_EQ(stop(StopMode::fault), "STOPPED");
}

TEST_F(SupervisorTest, TheCheckIsNotJudgedWhileTheServiceIsRestarted) {
    serve();
    ended();
    EXPECT_EQ(check_failed(), "");
    EXPECT_EQ(accepts(), "no-probe check READY");
    EXPECT_EQ(check_failed(), "no-check FAILED(check says no)");
}

TEST_F(SupervisorTest, WithoutAListenAddressTheCheckWaitsForTheStart) {
    options_.listen.reset();
    run();
    EXPECT_EQ(check_failed(), "");
    EXPECT_EQ(pass(2s), "no-check FAILED(check says no)");

    stop(StopMode::fault);
    ended();
    run();
    check_failed();
    service().check_passed();
    EXPECT_EQ(pass(1s), "");
    EXPECT_EQ(check_failed(), "no-check FAILED(check says no)") << "it had come up";

    stop(StopMode::fault);
    ended();
    run();
    pass(10s);
    EXPECT_EQ(run(), "no-check check READY");
    EXPECT_EQ(check_failed(), "no-check FAILED(check says no)") << "a wobble is not a start";
}

TEST_F(SupervisorTest, AlwaysRunningItStaysInStandby) {
    EXPECT_EQ(standby(), "STOPPED");
    EXPECT_EQ(pass(0s), "start");
    EXPECT_EQ(pass(1h), "") << "nothing is tried where the VIP is absent";
    EXPECT_EQ(run(), "probe");
    EXPECT_EQ(accepts(), "no-probe check READY");
    EXPECT_EQ(standby(), "no-check STOPPED");
    EXPECT_EQ(ended(killed), "start RESTARTED(killed by signal 9, restarted at once)");
    EXPECT_EQ(stop(StopMode::planned), "TERM") << "the daemon leaves";
    EXPECT_EQ(ended(), "STOPPED");
}

TEST_F(SupervisorTest, AlwaysRunningItsFailuresInStandbyAreToldAndItGoesOn) {
    standby();
    pass(0s);
    for (int end = 1; end < 5; ++end) {
        EXPECT_EQ(ended().find("FAILED"), std::string::npos);
        pass(2s);
    }
    EXPECT_EQ(ended(), "FAILED(exit code 1, 5 ends in a row) RESTARTED(exit code 1, restarted in 1600 ms)");
    EXPECT_EQ(standby(StopMode::fault), "STOPPED");
    EXPECT_EQ(pass(1600ms), "start");
    EXPECT_EQ(run(), "probe");
}

TEST_F(SupervisorTest, AlwaysRunningASickOneIsReplacedAfterItsFault) {
    standby();
    pass(0s);
    run();
    accepts();
    check_failed();
    EXPECT_EQ(standby(StopMode::fault), "TERM");
    EXPECT_EQ(pass(100ms), "KILL");
    EXPECT_EQ(ended(killed), "start STOPPED");

    run();
    accepts();
    EXPECT_EQ(standby(StopMode::fault), "no-check STOPPED") << "somebody else's fault";
}

TEST_F(SupervisorTest, AlwaysRunningACheckElsewhereThanOnTheVipIsJudgedInStandby) {
    check_in_standby_ = true;
    standby();
    EXPECT_EQ(pass(0s), "start check");
    EXPECT_EQ(check_failed(), "") << "still coming up";
    service().check_passed();
    EXPECT_EQ(run(), "no-check probe");
    EXPECT_EQ(accepts(), "no-probe check READY");
    EXPECT_EQ(standby(), "STOPPED");
    EXPECT_EQ(check_failed(), "no-check FAILED(check says no)");
    EXPECT_EQ(standby(StopMode::fault), "TERM");
    EXPECT_EQ(ended(), "start check STOPPED");
}

}  // namespace
}  // namespace vrrpd::service::service_supervisor_test
