#define SD_JOURNAL_SUPPRESS_LOCATION

#include "vrrpd/io/log.hpp"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <syslog.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

namespace vrrpd::log {
namespace {

using SystemTime = std::chrono::system_clock::time_point;

constexpr std::size_t queue_length = 2048;
constexpr char field_separator = '\x1f';  // ASCII's own unit separator

struct Record {
    SystemTime time;
    Level level;
    Fields fields;
    std::string_view text;
};

int syslog_priority(Level level) {
    constexpr std::array priorities = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};
    return priorities[static_cast<std::size_t>(level)];
}

// spdlog has no notice; its levels only carry ours through its queue.
spdlog::level::level_enum carried(Level level) {
    return static_cast<spdlog::level::level_enum>(spdlog::level::err - static_cast<int>(level));
}
Level carried(spdlog::level::level_enum level) {
    return static_cast<Level>(spdlog::level::err - level);
}

// Fields travel in front of the text, since spdlog's queue knows one string a message.
void pack(Fields fields, std::string_view text, fmt::memory_buffer& packed) {
    packed.append(fields.instance);
    packed.push_back(field_separator);
    packed.append(fields.state);
    packed.push_back(field_separator);
    packed.append(text);
}

Record unpack(SystemTime time, Level level, std::string_view packed) {
    const auto take = [&packed] {
        const std::size_t end = packed.find(field_separator);
        const std::string_view field = packed.substr(0, end);
        packed.remove_prefix(end == std::string_view::npos ? packed.size() : end + 1);
        return field;
    };
    const std::string_view instance = take();
    const std::string_view state = take();
    return {time, level, {instance, state}, packed};
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

// What the log thread does with a message. Only that thread is ever inside, hence no mutex.
class Sink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    /// The queue to ask for losses; it outlives its thread.
    void watch_losses(spdlog::details::thread_pool& pool) { pool_ = &pool; }

    bool wait_until_flushed(std::chrono::milliseconds limit) {
        std::unique_lock lock(flush_mutex_);
        return flush_done_.wait_for(lock, limit, [this] { return flushed_; });
    }

  protected:
    virtual void deliver(const Record& record) = 0;

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        report_losses(message.time);
        deliver(unpack(message.time, carried(message.level), {message.payload.data(), message.payload.size()}));
    }
    void report_losses(SystemTime time) {
        const std::size_t lost = pool_->overrun_counter();
        if (lost == reported_losses_) return;
        const std::string text = fmt::format("{} log messages were lost: the log target is too slow",
                                             lost - std::exchange(reported_losses_, lost));
        deliver({time, Level::warning, {}, text});
    }
    void flush_() override {
        const std::lock_guard lock(flush_mutex_);
        flushed_ = true;
        flush_done_.notify_all();
    }

    spdlog::details::thread_pool* pool_ = nullptr;
    std::size_t reported_losses_ = 0;
    std::mutex flush_mutex_;
    std::condition_variable flush_done_;
    bool flushed_ = false;
};

class StandardErrorSink final : public Sink {
    void deliver(const Record& record) override { write_to_standard_error(record); }
};

class SyslogSink final : public Sink {
  public:
    SyslogSink(std::string identifier, int facility) : identifier_(std::move(identifier)) {
        openlog(identifier_.c_str(), LOG_PID | LOG_NDELAY, facility);
    }
    ~SyslogSink() override { closelog(); }

  private:
    void deliver(const Record& record) override {
        fmt::memory_buffer text;
        append_printable(record.text, text);
        ::syslog(syslog_priority(record.level), "%.*s", static_cast<int>(text.size()), text.data());
    }
    std::string identifier_;  // openlog keeps the pointer
};

class JournalSink final : public Sink {
  public:
    JournalSink(const std::string& identifier, int facility)
        : identifier_("SYSLOG_IDENTIFIER=" + identifier),
          facility_("SYSLOG_FACILITY=" + std::to_string(LOG_FAC(facility))) {}

  private:
    void deliver(const Record& record) override {
        const std::array fields = {fmt::format("MESSAGE={}", record.text),
                                   fmt::format("PRIORITY={}", syslog_priority(record.level)),
                                   identifier_,
                                   facility_,
                                   fmt::format("VRRP_INSTANCE={}", record.fields.instance),
                                   fmt::format("VRRP_STATE={}", record.fields.state)};
        const std::array wanted = {
            true, true, true, true, !record.fields.instance.empty(), !record.fields.state.empty()};
        std::array<iovec, fields.size()> vectors;
        int count = 0;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (!wanted[i]) continue;
            vectors[static_cast<std::size_t>(count++)] = {const_cast<char*>(fields[i].data()), fields[i].size()};
        }
        sd_journal_sendv(vectors.data(), count);
    }
    const std::string identifier_;
    const std::string facility_;
};

std::shared_ptr<Sink> make_sink(const Options& options) {
    switch (resolve(options.target)) {
        case Target::journal:
            return std::make_shared<JournalSink>(options.identifier, options.facility);
        case Target::syslog:
            return std::make_shared<SyslogSink>(options.identifier, options.facility);
        case Target::standard_error:
        case Target::automatic:
            break;
    }
    return std::make_shared<StandardErrorSink>();
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

struct Running {
    std::shared_ptr<Sink> sink;
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;

    explicit Running(const Options& options)
        : sink(make_sink(options)),
          pool(std::make_shared<spdlog::details::thread_pool>(queue_length, 1, prepare_log_thread)),
          logger(std::make_shared<spdlog::async_logger>(options.identifier, sink, pool,
                                                        spdlog::async_overflow_policy::overrun_oldest)) {
        sink->watch_losses(*pool);
        logger->set_level(spdlog::level::trace);
    }
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

bool enabled(Level level) {
    return level <= least_urgent && phase != Phase::stopped;
}

void write(Level level, std::string_view text, Fields fields) {
    if (!enabled(level)) return;
    if (phase == Phase::before_start) {
        return write_to_standard_error({std::chrono::system_clock::now(), level, fields, text});
    }
    fmt::memory_buffer packed;
    pack(fields, text, packed);
    running->logger->log(carried(level), spdlog::string_view_t(packed.data(), packed.size()));
}

bool stop(std::chrono::milliseconds limit) {
    if (phase != Phase::running) return true;
    phase = Phase::stopped;
    running->logger->flush();
    if (!running->sink->wait_until_flushed(limit)) return false;
    delete std::exchange(running, nullptr);
    return true;
}

}  // namespace vrrpd::log
