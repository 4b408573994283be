#include "netlink/channel.hpp"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <poll.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <sys/eventfd.h>

#include "netlink/socket.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/worker_thread.hpp"

namespace vrrpd::netlink {
namespace {

constexpr auto longest_end = std::chrono::milliseconds(100);

Descriptor open_event() {
    Descriptor descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!descriptor) throw std::system_error(errno, std::generic_category(), "eventfd");
    return descriptor;
}

void signal(const Descriptor& event) {
    eventfd_write(event.get(), 1);
}

void clear(const Descriptor& event) {
    eventfd_t count;
    eventfd_read(event.get(), &count);
}

}  // namespace

struct Channel::Shared {
    // The thread's.
    Socket socket{default_receive_buffer};
    bool has_news = false;  // that the owner was not told of

    const Descriptor wake = open_event();     // the thread has something to do
    const Descriptor arrived = open_event();  // the owner has

    std::mutex mutex;  // of all below
    std::deque<std::vector<std::uint8_t>> outgoing;
    std::deque<Incoming> incoming;
    std::size_t incoming_bytes = 0;
    bool held_up = false;  // the thread waits for room
    bool stopping = false;
    bool ended = false;
    std::condition_variable has_ended;

    void work();
    bool wait_for_work();
    std::optional<std::vector<std::uint8_t>> next_outgoing();
    void read_answers();
    bool has_room();
    void put_in(Incoming one);
    void tell();
};

void Channel::Shared::work() {
    while (wait_for_work()) {
        while (auto datagram = next_outgoing()) {
            const int error = socket.send(*datagram);
            if (error != 0) put_in({error, std::move(*datagram)});
            read_answers();
            tell();
        }
        read_answers();
        tell();
    }
    const std::lock_guard lock(mutex);
    ended = true;
    has_ended.notify_all();
}

bool Channel::Shared::wait_for_work() {
    pollfd descriptors[] = {{wake.get(), POLLIN, 0}, {has_room() ? socket.descriptor() : -1, POLLIN, 0}};
    poll(descriptors, std::size(descriptors), -1);
    clear(wake);
    const std::lock_guard lock(mutex);
    return !stopping;
}

std::optional<std::vector<std::uint8_t>> Channel::Shared::next_outgoing() {
    const std::lock_guard lock(mutex);
    if (stopping || outgoing.empty()) return std::nullopt;
    std::optional next = std::move(outgoing.front());
    outgoing.pop_front();
    return next;
}

void Channel::Shared::read_answers() {
    while (has_room()) {
        std::span<std::uint8_t> datagram;
        const int error = socket.receive(datagram);
        if (error == EAGAIN) return;
        if (error != 0 || !datagram.empty()) put_in({error, {datagram.begin(), datagram.end()}});
    }
}

bool Channel::Shared::has_room() {
    const std::lock_guard lock(mutex);
    held_up = incoming_bytes >= max_incoming;
    return !held_up;
}

void Channel::Shared::put_in(Incoming one) {
    has_news = true;
    const std::lock_guard lock(mutex);
    incoming_bytes += one.datagram.size();
    incoming.push_back(std::move(one));
}

void Channel::Shared::tell() {
    if (std::exchange(has_news, false)) signal(arrived);
}

Channel::Channel()
    : shared_(std::make_shared<Shared>()),
      thread_(
          start_worker("vrrpd-netlink", Scheduling::one_below, small_stack, [shared = shared_] { shared->work(); })) {}

Channel::~Channel() {
    std::unique_lock lock(shared_->mutex);
    shared_->stopping = true;
    signal(shared_->wake);
    const bool ended = shared_->has_ended.wait_for(lock, longest_end, [this] { return shared_->ended; });
    lock.unlock();
    ended ? pthread_join(thread_, nullptr) : pthread_detach(thread_);
}

bool Channel::send(std::span<const std::uint8_t> datagram) {
    {
        const std::lock_guard lock(shared_->mutex);
        if (shared_->outgoing.size() >= max_outgoing) return false;
        shared_->outgoing.emplace_back(datagram.begin(), datagram.end());
    }
    signal(shared_->wake);
    return true;
}

int Channel::descriptor() const {
    return shared_->arrived.get();
}

bool Channel::receive(Incoming& incoming) {
    bool has_room_again = false;
    {
        const std::lock_guard lock(shared_->mutex);
        // Within the lock: what is put in after this is signalled after this.
        if (shared_->incoming.size() <= 1) clear(shared_->arrived);
        if (shared_->incoming.empty()) return false;
        incoming = std::move(shared_->incoming.front());
        shared_->incoming.pop_front();
        shared_->incoming_bytes -= incoming.datagram.size();
        has_room_again = shared_->held_up && shared_->incoming_bytes < max_incoming;
        if (has_room_again) shared_->held_up = false;
    }
    if (has_room_again) signal(shared_->wake);
    return true;
}

}  // namespace vrrpd::netlink
