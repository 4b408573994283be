// The client that a failover is measured with: an open loop of fresh connections to the address of a memcached, or with
// `--incr` of a redis.
//
// Every interval it opens a connection, sends one request and waits for the full reply; each attempt is given
// up after a while and none waits for another, so that a dead address is noticed within one interval and its
// return within one more. What is printed is one CSV line an attempt, with the times of CLOCK_REALTIME in
// nanoseconds, which is the clock of packet captures and logs: `start_ns,end_ns,request,outcome`. Lines
// appear in the order of the ends.
//
// An answer is `hit`, `miss` or `stored`. All else is an error: `server_error` (a proxy whose backend is gone
// answers that), `readonly` (a replica's word for a write), `refused`, `unreachable`, `reset`, `eof`, `timeout`,
// `oversize`, `failed`.
//
// `--blocking` is the plain client of the field instead: one attempt after the other, each waiting for up to
// ten seconds. It meets Linux's SYN retransmit of one second, which the open loop does not.
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <fcntl.h>
#include <getopt.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "exchange.hpp"

namespace {

using prober::Request;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t most_starts_at_once = 8;
constexpr milliseconds blocking_patience{10000};

struct Options {
    sockaddr_in server{};
    milliseconds interval{5};
    milliseconds give_up{100};
    milliseconds duration{0};  ///< 0: until SIGTERM or SIGINT
    std::string key = "prober";
    bool sets = false;
    bool incrs = false;
    bool blocking = false;
};

struct Attempt {
    int descriptor = -1;
    Request request = Request::get;
    std::int64_t started_ns = 0;
    Clock::time_point given_up_at;
    bool sent = false;
    std::string reply;
};

/// What attempt `number` asks for.
Request request_of(const Options& options, std::uint64_t number) {
    if (options.incrs) return Request::incr;
    return options.sets && number % 2 == 0 ? Request::set : Request::get;
}

std::int64_t wall_clock_ns() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

std::string_view name_of_error(int error) {
    switch (error) {
        case ECONNREFUSED:
            return "refused";
        case EHOSTUNREACH:
        case ENETUNREACH:
            return "unreachable";
        case ECONNRESET:
        case EPIPE:
            return "reset";
        case ETIMEDOUT:
        case EAGAIN:
            return "timeout";
        default:
            return "failed";
    }
}

/// Closes with a reset: 200 connections a second would otherwise use up the local ports in TIME_WAIT.
void close_at_once(int descriptor) {
    const linger no_wait{1, 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &no_wait, sizeof no_wait);
    close(descriptor);
}

/// Lines for standard output, written whole and in order.
class Record {
  public:
    Record() { pending_ = "start_ns,end_ns,request,outcome\n"; }

    void add(Request request, std::int64_t started_ns, std::string_view outcome) {
        pending_ += std::to_string(started_ns) + ',' + std::to_string(wall_clock_ns()) + ',';
        static constexpr const char* names[] = {"get,", "set,", "incr,"};
        pending_ += names[static_cast<std::size_t>(request)];
        pending_.append(outcome).append("\n");
    }

    void flush() {
        while (!pending_.empty()) {
            const ssize_t written = write(STDOUT_FILENO, pending_.data(), pending_.size());
            if (written < 0 && errno != EINTR) fail("prober: write");
            if (written > 0) pending_.erase(0, static_cast<std::size_t>(written));
        }
    }

  private:
    std::string pending_;
};

int open_signals() {
    sigset_t ends{};
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    if (sigprocmask(SIG_BLOCK, &ends, nullptr) < 0) fail("prober: sigprocmask");
    const int descriptor = signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0) fail("prober: signalfd");
    return descriptor;
}

int open_ticks(milliseconds interval) {
    const int descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const timespec period{interval.count() / 1000, interval.count() % 1000 * 1'000'000};
    const itimerspec every{period, period};
    if (descriptor < 0 || timerfd_settime(descriptor, 0, &every, nullptr) < 0) fail("prober: timerfd");
    return descriptor;
}

/// The open loop. Attempts end in any order, but all have the same patience: the oldest is always given up first.
class OpenLoop {
  public:
    explicit OpenLoop(const Options& options)
        : options_(options),
          poll_(epoll_create1(EPOLL_CLOEXEC)),
          signals_(open_signals()),
          ticks_(open_ticks(options.interval)) {
        if (poll_ < 0) fail("prober: epoll");
        watch(signals_, EPOLLIN, &signals_);
        watch(ticks_, EPOLLIN, &ticks_);
    }

    void run() {
        const auto end = Clock::now() + options_.duration;
        while (!stopping_ && (options_.duration.count() == 0 || Clock::now() < end)) {
            epoll_event events[64];
            const int count = epoll_wait(poll_, events, 64, patience());
            if (count < 0 && errno != EINTR) fail("prober: epoll_wait");
            for (int i = 0; i < count; ++i) handle(events[i].data.ptr);
            give_up_late_ones();
            record_.flush();
        }
    }

  private:
    void watch(int descriptor, std::uint32_t events, void* what) {
        epoll_event event{};
        event.events = events;
        event.data.ptr = what;
        if (epoll_ctl(poll_, EPOLL_CTL_ADD, descriptor, &event) < 0) fail("prober: epoll_ctl");
    }

    int patience() const {
        if (attempts_.empty()) return 100;
        const auto left = std::chrono::ceil<milliseconds>(attempts_.front()->given_up_at - Clock::now());
        return left.count() > 0 ? static_cast<int>(left.count()) : 0;
    }

    void handle(void* what) {
        if (what == &signals_) {
            stopping_ = true;
        } else if (what == &ticks_) {
            start_due_ones();
        } else {
            proceed(*static_cast<Attempt*>(what));
        }
    }

    void start_due_ones() {
        std::uint64_t due = 0;
        if (read(ticks_, &due, sizeof due) != sizeof due) return;
        for (; due > 0; --due) {
            // After a long pause of this process the missed starts are not made up for: they were not measured.
            if (due <= most_starts_at_once) start();
        }
    }

    void start() {
        auto& attempt = *attempts_.emplace_back(std::make_unique<Attempt>());
        attempt.request = request_of(options_, count_++);
        attempt.started_ns = wall_clock_ns();
        attempt.given_up_at = Clock::now() + options_.give_up;
        attempt.descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (attempt.descriptor < 0) fail("prober: socket");
        const auto* address = reinterpret_cast<const sockaddr*>(&options_.server);
        if (connect(attempt.descriptor, address, sizeof options_.server) < 0 && errno != EINPROGRESS) {
            finish(attempt, name_of_error(errno));
            return;
        }
        watch(attempt.descriptor, EPOLLIN | EPOLLOUT | EPOLLET, &attempt);
    }

    void proceed(Attempt& attempt) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(attempt.descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            finish(attempt, name_of_error(error));
            return;
        }
        if (!attempt.sent) send_request(attempt);
        if (attempt.sent) read_reply(attempt);
    }

    void send_request(Attempt& attempt) {
        const std::string request = prober::bytes_of(attempt.request, options_.key, std::to_string(wall_clock_ns()));
        const ssize_t sent = send(attempt.descriptor, request.data(), request.size(), MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN)) return;
        attempt.sent = sent == static_cast<ssize_t>(request.size());
        if (!attempt.sent) finish(attempt, name_of_error(errno));
    }

    void read_reply(Attempt& attempt) {
        char bytes[4096];
        while (true) {
            const ssize_t count = recv(attempt.descriptor, bytes, sizeof bytes, 0);
            if (count < 0 && errno == EAGAIN) return;
            if (count <= 0) {
                finish(attempt, count == 0 ? "eof" : name_of_error(errno));
                return;
            }
            attempt.reply.append(bytes, static_cast<std::size_t>(count));
            if (const auto outcome = prober::judge(attempt.request, attempt.reply)) {
                finish(attempt, *outcome);
                return;
            }
        }
    }

    void finish(Attempt& attempt, std::string_view outcome) {
        record_.add(attempt.request, attempt.started_ns, outcome);
        close_at_once(attempt.descriptor);
        attempt.descriptor = -1;
    }

    void give_up_late_ones() {
        const auto now = Clock::now();
        while (!attempts_.empty()) {
            Attempt& oldest = *attempts_.front();
            if (oldest.descriptor >= 0 && oldest.given_up_at > now) return;
            if (oldest.descriptor >= 0) finish(oldest, "timeout");
            attempts_.pop_front();
        }
    }

    const Options& options_;
    int poll_;
    int signals_;
    int ticks_;
    std::deque<std::unique_ptr<Attempt>> attempts_;
    Record record_;
    std::uint64_t count_ = 0;
    bool stopping_ = false;
};

volatile std::sig_atomic_t blocking_stopped = 0;

std::string_view one_blocking_attempt(const Options& options, Request request) {
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) fail("prober: socket");
    const timeval patience{blocking_patience.count() / 1000, 0};
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);  // bounds connect as well
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string bytes = prober::bytes_of(request, options.key, std::to_string(wall_clock_ns()));
    const auto* address = reinterpret_cast<const sockaddr*>(&options.server);
    std::optional<std::string_view> outcome;
    if (connect(descriptor, address, sizeof options.server) < 0) {
        outcome = errno == EINPROGRESS ? "timeout" : name_of_error(errno);
    } else if (send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
        outcome = name_of_error(errno);
    }
    std::string reply;
    while (!outcome) {
        char buffer[4096];
        const ssize_t count = recv(descriptor, buffer, sizeof buffer, 0);
        if (count > 0) reply.append(buffer, static_cast<std::size_t>(count));
        outcome = count > 0 ? prober::judge(request, reply) : count == 0 ? "eof" : name_of_error(errno);
    }
    close_at_once(descriptor);
    return *outcome;
}

void run_blocking(const Options& options) {
    struct sigaction stop {};
    stop.sa_handler = [](int) { blocking_stopped = 1; };
    sigaction(SIGTERM, &stop, nullptr);
    sigaction(SIGINT, &stop, nullptr);
    Record record;
    const auto end = Clock::now() + options.duration;
    for (std::uint64_t i = 0; !blocking_stopped; ++i) {
        if (options.duration.count() != 0 && Clock::now() >= end) return;
        const Request request = request_of(options, i);
        const std::int64_t started = wall_clock_ns();
        const std::string_view outcome = one_blocking_attempt(options, request);
        // An attempt that the end of the run cut short tells nothing about the server.
        if (!blocking_stopped) record.add(request, started, outcome);
        record.flush();
        const timespec pause{options.interval.count() / 1000, options.interval.count() % 1000 * 1'000'000};
        nanosleep(&pause, nullptr);
    }
}

[[noreturn]] void usage() {
    std::fputs(
        "usage: prober ADDRESS PORT [--interval MS] [--give-up MS] [--duration MS] [--key KEY]\n"
        "              [--set | --incr] [--blocking]\n",
        stderr);
    std::exit(2);
}

template <typename Number>
Number number(const char* text, Number lowest, Number highest) {
    Number value{};
    const std::string_view whole(text);
    const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
    if (error != std::errc{} || end != whole.data() + whole.size() || value < lowest || value > highest) usage();
    return value;
}

Options parse(int argc, char** argv) {
    static const option names[] = {{"interval", required_argument, nullptr, 'i'},
                                   {"give-up", required_argument, nullptr, 'g'},
                                   {"duration", required_argument, nullptr, 'd'},
                                   {"key", required_argument, nullptr, 'k'},
                                   {"set", no_argument, nullptr, 's'},
                                   {"incr", no_argument, nullptr, 'n'},
                                   {"blocking", no_argument, nullptr, 'b'},
                                   {nullptr, 0, nullptr, 0}};
    Options options;
    for (int name = 0; (name = getopt_long(argc, argv, "", names, nullptr)) != -1;) {
        switch (name) {
            case 'i':
                options.interval = milliseconds(number(optarg, 1, 60'000));
                break;
            case 'g':
                options.give_up = milliseconds(number(optarg, 1, 60'000));
                break;
            case 'd':
                options.duration = milliseconds(number(optarg, 1, 86'400'000));
                break;
            case 'k':
                options.key = optarg;
                break;
            case 's':
                options.sets = true;
                break;
            case 'n':
                options.incrs = true;
                break;
            case 'b':
                options.blocking = true;
                break;
            default:
                usage();
        }
    }
    if (argc - optind != 2 || options.key.empty() || options.key.size() > 250) usage();
    options.server.sin_family = AF_INET;
    options.server.sin_port = htons(number<std::uint16_t>(argv[optind + 1], 1, 65535));
    if (inet_pton(AF_INET, argv[optind], &options.server.sin_addr) != 1) usage();
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    if (options.blocking) {
        run_blocking(options);
    } else {
        OpenLoop(options).run();
    }
}
