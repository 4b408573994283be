#include "vrrpd/io/state_store.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fcntl.h>
#include <mutex>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sys/eventfd.h>
#include <sys/stat.h>

#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/worker_thread.hpp"

namespace vrrpd {
namespace {

constexpr auto longest_end = std::chrono::milliseconds(500);
constexpr const char* overrun = "the disk does not take what is written";

std::string error_of(const std::string& what) {
    return what + ": " + std::generic_category().message(errno);
}

bool is_ours_alone(const struct stat& there) {
    return there.st_uid == geteuid() && (there.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

Descriptor open_folder(const std::string& path, std::string& problem) {
    if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) problem = error_of(path);
    Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat there {};
    if (!problem.empty()) return Descriptor();
    if (!folder || fstat(folder.get(), &there) != 0) {
        problem = error_of(path);
    } else if (!is_ours_alone(there)) {
        problem = path + ": somebody else may write there";
    } else if (faccessat(folder.get(), ".", W_OK, AT_EACCESS) != 0) {
        problem = error_of(path);
    }
    return folder;
}

// A pipe or a device of that name must not hold anybody up.
Result<Descriptor> open_file(const Descriptor& folder, const std::string& name, int flags) {
    Descriptor file(openat(folder.get(), name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    struct stat there {};
    if (!file || fstat(file.get(), &there) != 0) return failure(error_of(name));
    if (!S_ISREG(there.st_mode) || there.st_nlink != 1 || !is_ours_alone(there)) {
        return failure(name + ": not a file of ours alone");
    }
    return file;
}

bool write_all(const Descriptor& file, const std::string& text) {
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t gone = write(file.get(), text.data() + written, text.size() - written);
        if (gone < 0 && errno != EINTR) return false;
        if (gone > 0) written += static_cast<std::size_t>(gone);
    }
    return true;
}

std::string append_to(const Descriptor& folder, const std::string& name, const std::string& text) {
    const auto file = open_file(folder, name, O_WRONLY | O_APPEND | O_CREAT);
    if (!file) return file.error();
    return write_all(*file, text) ? "" : error_of(name);
}

std::string replace(const Descriptor& folder, const std::string& name, const std::string& text) {
    const std::string fresh = name + ".new";
    unlinkat(folder.get(), fresh.c_str(), 0);
    const auto file = open_file(folder, fresh, O_WRONLY | O_CREAT | O_EXCL);
    if (!file) return file.error();
    const bool done = write_all(*file, text) && fsync(file->get()) == 0 &&
                      renameat(folder.get(), fresh.c_str(), folder.get(), name.c_str()) == 0 &&
                      fsync(folder.get()) == 0;
    return done ? "" : error_of(name);
}

}  // namespace

struct StateStore::Job {
    bool appends;
    std::string name;
    std::string text;
    std::size_t number = 0;
};

struct StateStore::Shared {
    Descriptor folder;
    const Descriptor finished{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // for the loop

    std::mutex mutex;  // of all below
    std::condition_variable work;
    std::condition_variable has_ended;
    std::deque<Job> jobs;
    std::size_t queued = 0;  // bytes
    std::vector<std::pair<std::size_t, std::string>> results;
    bool stopping = false;
    bool ended = false;

    void carry_out_all();
};

void StateStore::Shared::carry_out_all() {
    std::unique_lock lock(mutex);
    while (true) {
        work.wait(lock, [this] { return stopping || !jobs.empty(); });
        if (jobs.empty()) break;
        const Job job = std::move(jobs.front());
        jobs.pop_front();
        lock.unlock();
        std::string error = (job.appends ? append_to : vrrpd::replace)(folder, job.name, job.text);
        lock.lock();
        queued -= job.text.size();
        results.emplace_back(job.number, std::move(error));
        eventfd_write(finished.get(), 1);
    }
    ended = true;
    has_ended.notify_all();
}

StateStore::StateStore(Loop& loop, const std::string& folder)
    : loop_(loop), refusal_(loop.timer([this] {
          const std::string why = problem_.empty() ? overrun : problem_;
          for (const Done& done : std::exchange(refused_, {})) done(why);
      })) {
    Descriptor opened = open_folder(folder, problem_);
    if (!problem_.empty()) return;
    auto shared = std::make_shared<Shared>();
    shared->folder = std::move(opened);
    try {
        if (!shared->finished) throw std::system_error(errno, std::generic_category(), "eventfd");
        thread_ = start_worker("vrrpd-state", Scheduling::ordinary, small_stack, [shared] { shared->carry_out_all(); });
    } catch (const std::system_error& error) {
        problem_ = "no thread for " + folder + ": " + error.what();
        return;
    }
    shared_ = std::move(shared);
    watch_ = loop.watch(shared_->finished.get(), readable, [this](std::uint32_t) { on_results(); });
}

StateStore::~StateStore() {
    if (!shared_) return;
    std::unique_lock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->work.notify_all();
    const bool ended = shared_->has_ended.wait_for(lock, longest_end, [this] { return shared_->ended; });
    lock.unlock();
    ended ? pthread_join(thread_, nullptr) : pthread_detach(thread_);
}

Result<std::string> StateStore::read(const std::string& name, std::size_t longest) const {
    if (!shared_) return failure(problem_);
    struct stat there {};
    if (fstatat(shared_->folder.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) return "";
    const auto file = open_file(shared_->folder, name, O_RDONLY);
    if (!file) return failure(file.error());
    const off_t size = lseek(file->get(), 0, SEEK_END);
    const off_t begin = std::max<off_t>(0, size - static_cast<off_t>(longest));
    std::string text(static_cast<std::size_t>(std::max<off_t>(0, size - begin)), '\0');
    const ssize_t got = pread(file->get(), text.data(), text.size(), begin);
    if (got < 0) return failure(error_of(name));
    text.resize(static_cast<std::size_t>(got));
    return text;
}

void StateStore::replace(const std::string& name, std::string text, Done done) {
    queue({false, name, std::move(text)}, std::move(done));
}

void StateStore::append(const std::string& name, std::string text, Done done) {
    queue({true, name, std::move(text)}, std::move(done));
}

void StateStore::queue(Job job, Done done) {
    job.number = jobs_++;
    bool taken = false;
    if (shared_) {
        const std::lock_guard lock(shared_->mutex);
        taken = shared_->queued + job.text.size() <= most_queued;
        if (taken) {
            shared_->queued += job.text.size();
            if (done) waiting_.emplace(job.number, std::move(done));
            shared_->jobs.push_back(std::move(job));
            shared_->work.notify_all();
        }
    }
    if (taken || !done) return;
    refused_.push_back(std::move(done));
    refusal_->arm(loop_.now());
}

void StateStore::on_results() {
    eventfd_t count;
    eventfd_read(shared_->finished.get(), &count);
    std::vector<std::pair<std::size_t, std::string>> results;
    {
        const std::lock_guard lock(shared_->mutex);
        results.swap(shared_->results);
    }
    for (const auto& [number, error] : results) {
        auto done = waiting_.extract(number);
        if (!done.empty()) done.mapped()(error);
    }
}

}  // namespace vrrpd
