#define SD_JOURNAL_SUPPRESS_LOCATION

#include "vrrpd/io/log.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <future>
#include <memory>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <syslog.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <spdlog/common.h>
#include <spdlog/details/mpmc_blocking_q.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

namespace vrrpd::log {
namespace {

using SystemTime = std::chrono::system_clock::time_point;

constexpr std::size_t queue_length = 2048;

struct Record {
    SystemTime time;
    Level level;
    std::string text;
    std::string instance;
    std::string state;
};

int syslog_priority(Level level) {
    constexpr std::array priorities = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};
    return priorities[static_cast<std::size_t>(level)];
}

// Part of a text may come from the network: it must not make lines of its own.
void append_printable(std::string_view text, fmt::memory_buffer& line) {
    for (const char character : text) {
        line.push_back(static_cast<unsigned char>(character) < 0x20 || character == 0x7f ? ' ' : character);
    }
}

void write_fully(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            pollfd writable{descriptor, POLLOUT, 0};
            poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return;
        }
    }
}

void write_to_standard_error(const Record& record) {
    constexpr std::array names = {"error", "warning", "notice", "info", "debug"};
    const auto since_epoch = std::chrono::floor<std::chrono::microseconds>(record.time.time_since_epoch()).count();
    const std::time_t seconds = since_epoch / 1000000;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    fmt::memory_buffer line;
    fmt::format_to(fmt::appender(line), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z {} ", utc.tm_year + 1900,
                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, since_epoch % 1000000,
                   names[static_cast<std::size_t>(record.level)]);
    append_printable(record.text, line);
    line.push_back('\n');
    write_fully(STDERR_FILENO, {line.data(), line.size()});
}

// What the log thread does with a message.
class Sink {
  public:
    virtual ~Sink() = default;
    virtual void deliver(const Record& record) = 0;
};

class StandardErrorSink final : public Sink {
  public:
    void deliver(const Record& record) override { write_to_standard_error(record); }
};

class SyslogSink final : public Sink {
  public:
    SyslogSink(std::string identifier, int facility) : identifier_(std::move(identifier)) {
        openlog(identifier_.c_str(), LOG_PID | LOG_NDELAY, facility);
    }
    ~SyslogSink() override { closelog(); }

    void deliver(const Record& record) override {
        fmt::memory_buffer text;
        append_printable(record.text, text);
        ::syslog(syslog_priority(record.level), "%.*s", static_cast<int>(text.size()), text.data());
    }

  private:
    std::string identifier_;  // openlog keeps the pointer
};

class JournalSink final : public Sink {
  public:
    JournalSink(const std::string& identifier, int facility)
        : identifier_("SYSLOG_IDENTIFIER=" + identifier),
          facility_("SYSLOG_FACILITY=" + std::to_string(LOG_FAC(facility))) {}

    void deliver(const Record& record) override {
        const std::array fields = {fmt::format("MESSAGE={}", record.text),
                                   fmt::format("PRIORITY={}", syslog_priority(record.level)),
                                   identifier_,
                                   facility_,
                                   fmt::format("VRRP_INSTANCE={}", record.instance),
                                   fmt::format("VRRP_STATE={}", record.state)};
        const std::array wanted = {true, true, true, true, !record.instance.empty(), !record.state.empty()};
        std::array<iovec, fields.size()> vectors;
        int count = 0;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (!wanted[i]) continue;
            vectors[static_cast<std::size_t>(count++)] = {const_cast<char*>(fields[i].data()), fields[i].size()};
        }
        sd_journal_sendv(vectors.data(), count);
    }

  private:
    const std::string identifier_;
    const std::string facility_;
};

std::unique_ptr<Sink> make_sink(const Options& options) {
    switch (resolve(options.target)) {
        case Target::journal:
            return std::make_unique<JournalSink>(options.identifier, options.facility);
        case Target::syslog:
            return std::make_unique<SyslogSink>(options.identifier, options.facility);
        case Target::standard_error:
        case Target::automatic:
            break;
    }
    return std::make_unique<StandardErrorSink>();
}

// Signals are the main thread's, and so is a real-time policy that the process was started with.
void prepare_log_thread() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    const sched_param no_priority{};
    sched_setscheduler(0, SCHED_OTHER, &no_priority);
    pthread_setname_np(pthread_self(), "vrrpd-log");
}

// The log thread and what it shares with the main one.
class Running {
  public:
    explicit Running(const Options& options) : sink_(make_sink(options)), thread_([this] { deliver_all(); }) {}
    ~Running() { thread_.join(); }

    std::size_t lost() { return queue_.overrun_counter(); }
    void queue(Record record) { queue_.enqueue_nowait(std::make_unique<const Record>(std::move(record))); }

    /// Nothing may be queued after that. False: the target did not take everything in time.
    bool finish(std::chrono::milliseconds limit) {
        queue_.enqueue_nowait(nullptr);
        return finished_.get_future().wait_for(limit) == std::future_status::ready;
    }

  private:
    void deliver_all() {
        prepare_log_thread();
        for (bool more = true; more;) {
            std::unique_ptr<const Record> record;
            if (!queue_.dequeue_for(record, std::chrono::hours(1))) continue;
            report_losses();
            more = record != nullptr;
            if (more) sink_->deliver(*record);
        }
        finished_.set_value();
    }
    void report_losses() {
        const std::size_t lost = queue_.overrun_counter() - reported_losses_;
        if (lost == 0) return;
        reported_losses_ += lost;
        std::string text = fmt::format("{} log messages were lost: the log target is too slow", lost);
        sink_->deliver({std::chrono::system_clock::now(), Level::warning, std::move(text), {}, {}});
    }

    // When it is full the oldest message makes room. Null: the end.
    spdlog::details::mpmc_blocking_queue<std::unique_ptr<const Record>> queue_{queue_length};
    std::size_t reported_losses_ = 0;
    std::promise<void> finished_;
    const std::unique_ptr<Sink> sink_;
    std::thread thread_;  // last: it uses the others
};

enum class Phase { before_start, running, stopped };
Phase phase = Phase::before_start;
Level least_urgent = Level::info;

// Not destroyed at exit: that would wait for the log thread, however stuck. An abandoned one stays here for good.
Running* running = nullptr;

bool standard_error_leads_to_journal(const struct stat& standard_error) {
    const char* stream = std::getenv("JOURNAL_STREAM");
    if (stream == nullptr) return false;
    return fmt::format("{}:{}", standard_error.st_dev, standard_error.st_ino) == stream;
}

bool is_null_device(const struct stat& file) {
    return S_ISCHR(file.st_mode) && file.st_rdev == makedev(1, 3);
}

}  // namespace

Target resolve(Target target) {
    if (target != Target::automatic) return target;
    struct stat standard_error {};
    if (fstat(STDERR_FILENO, &standard_error) != 0 || is_null_device(standard_error)) return Target::syslog;
    return standard_error_leads_to_journal(standard_error) ? Target::journal : Target::standard_error;
}

void start(const Options& options) {
    running = new Running(options);
    least_urgent = options.level;
    phase = Phase::running;
}

void set_level(Level level) {
    least_urgent = level;
}

bool enabled(Level level) {
    return level <= least_urgent && phase != Phase::stopped;
}

void write(Level level, std::string_view text, Fields fields) {
    if (!enabled(level)) return;
    Record record{std::chrono::system_clock::now(), level, std::string(text), std::string(fields.instance),
                  std::string(fields.state)};
    if (phase == Phase::before_start) return write_to_standard_error(record);
    running->queue(std::move(record));
}

std::size_t lost() {
    return phase == Phase::running ? running->lost() : 0;
}

bool stop(std::chrono::milliseconds limit) {
    if (phase != Phase::running) return true;
    phase = Phase::stopped;
    if (!running->finish(limit)) return false;
    delete std::exchange(running, nullptr);
    return true;
}

}  // namespace vrrpd::log
