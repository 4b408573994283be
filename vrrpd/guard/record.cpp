#include "vrrpd/guard/record.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace vrrpd {
namespace {

constexpr std::array<char, 8> magic{'v', 'r', 'r', 'p', 'd', ' ', '1', '\n'};
constexpr std::size_t boot_id_length = 36;
constexpr std::uint32_t most_instances = 1 << 16;
constexpr std::uint32_t most_addresses = 1 << 20;
// What Header::parting says.
constexpr std::uint32_t parting = 1;
constexpr std::uint32_t superseded = 2;

// As they lie in the file. Both sides are this program on this machine.
struct Header {
    std::array<char, 8> magic;
    std::array<char, boot_id_length> boot_id;
    std::uint32_t instances;
    std::uint32_t addresses;
    std::atomic<std::uint32_t> parting;
};
struct InstanceEntry {
    std::atomic<std::uint32_t> generation;
    std::atomic<std::uint32_t> held;
    std::atomic<std::int64_t> last_advert;  // nanoseconds of CLOCK_BOOTTIME
    std::int64_t advert_interval;           // nanoseconds
    std::uint32_t first, count, capacity;   // of its addresses
    std::atomic<std::uint32_t> priority;
    std::uint8_t virtual_router_id;
};
struct AddressEntry {
    std::uint32_t link;
    std::uint8_t bytes, length;
    std::array<std::uint8_t, 16> address;
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

std::size_t size_of(std::size_t instances, std::size_t addresses) {
    return sizeof(Header) + instances * sizeof(InstanceEntry) + addresses * sizeof(AddressEntry);
}

Header& header(const RecordMap& map) {
    return *reinterpret_cast<Header*>(map.data());
}
InstanceEntry& entry(const RecordMap& map, std::size_t position) {
    return reinterpret_cast<InstanceEntry*>(map.data() + sizeof(Header))[position];
}
AddressEntry& address(const RecordMap& map, std::size_t instances, std::size_t position) {
    return reinterpret_cast<AddressEntry*>(map.data() + size_of(instances, 0))[position];
}

// Another one after each start of the kernel; all zero where there is none.
std::array<char, boot_id_length> boot_id() {
    std::array<char, boot_id_length> id{};
    const Descriptor file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    if (file && read(file.get(), id.data(), id.size()) != static_cast<ssize_t>(id.size())) id = {};
    return id;
}

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

std::optional<netlink::OwnedAddress> decode(const AddressEntry& entry) {
    const auto address = IpAddress::from_bytes(std::span(entry.address).first(std::min<std::size_t>(entry.bytes, 16)));
    if (!address || entry.length > address->bits() || entry.link == 0) return std::nullopt;
    return netlink::OwnedAddress{static_cast<int>(entry.link), {*address, entry.length}};
}

}  // namespace

std::string record_path(const std::string& control_socket) {
    return control_socket.substr(0, control_socket.rfind('/') + 1) + "state";
}

// ---- the map

RecordMap::RecordMap(const Descriptor& file, std::size_t size, bool writable) : size_(size) {
    void* const map =
        mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file.get(), off_t{0});
    if (map != MAP_FAILED) data_ = static_cast<std::byte*>(map);
}

RecordMap::RecordMap(RecordMap&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

RecordMap& RecordMap::operator=(RecordMap&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

RecordMap::~RecordMap() {
    if (data_ != nullptr) munmap(data_, size_);
}

// ---- reading

std::optional<RecordReader> RecordReader::open(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!file || fstat(file.get(), &status) != 0) return std::nullopt;
    const bool ours = S_ISREG(status.st_mode) && status.st_uid == geteuid() && status.st_nlink == 1 &&
                      (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    if (!ours || status.st_size <= 0) return std::nullopt;
    return check(file, static_cast<std::uint64_t>(status.st_size), false);
}

std::optional<RecordReader> RecordReader::read(const Descriptor& file) {
    struct stat status {};
    if (fstat(file.get(), &status) != 0 || status.st_size <= 0) return std::nullopt;
    return check(file, static_cast<std::uint64_t>(status.st_size), true);
}

std::optional<RecordReader> RecordReader::check(const Descriptor& file, std::uint64_t size, bool handed_over) {
    if (size < sizeof(Header) || size > size_of(most_instances, most_addresses)) return std::nullopt;
    RecordMap map(file, size, false);
    if (map.data() == nullptr) return std::nullopt;
    const Header& found = header(map);
    const std::uint32_t instances = found.instances, addresses = found.addresses;
    const bool of_this_boot = found.boot_id == boot_id() && found.boot_id[0] != '\0';
    if (!handed_over && (!of_this_boot || found.parting == superseded)) return std::nullopt;
    if (found.magic != magic || instances > most_instances || addresses > most_addresses ||
        size != size_of(instances, addresses)) {
        return std::nullopt;
    }
    return RecordReader(std::move(map), instances);
}

bool RecordReader::was_parting() const {
    return header(map_).parting.load(std::memory_order_acquire) == parting;
}

std::optional<Held> RecordReader::brief(std::size_t position) const {
    const InstanceEntry& found = entry(map_, position);
    Held held;
    held.generation = found.generation.load(std::memory_order_acquire);
    if (found.held.load(std::memory_order_acquire) == 0) return std::nullopt;
    if (header(map_).parting.load(std::memory_order_acquire) == superseded) return std::nullopt;
    held.last_advert = Instant(Duration(found.last_advert.load(std::memory_order_acquire)));
    held.advert_interval = advert_interval(position);
    held.virtual_router_id = found.virtual_router_id;
    held.priority = static_cast<int>(std::min(found.priority.load(std::memory_order_relaxed), 255u));
    return held;
}

Duration RecordReader::advert_interval(std::size_t position) const {
    return std::clamp<Duration>(Duration(entry(map_, position).advert_interval), std::chrono::milliseconds(10),
                                std::chrono::seconds(255));
}

std::optional<Held> RecordReader::held(std::size_t position) const {
    auto held = brief(position);
    if (!held) return std::nullopt;
    const InstanceEntry& found = entry(map_, position);
    const std::uint64_t first = found.first, count = found.count;
    if (first + count > header(map_).addresses) return std::nullopt;
    for (std::uint64_t i = first; i < first + count; ++i) {
        const auto one = decode(address(map_, count_, i));
        if (!one) return std::nullopt;
        held->addresses.push_back(*one);
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (found.generation.load(std::memory_order_relaxed) != held->generation) return std::nullopt;  // just written
    return held;
}

// ---- writing

Record::Record(const std::string& path, const std::vector<InstanceOptions>& instances)
    : Record(path, instances, std::vector<Addresses>(instances.size())) {}

Record::Record(const std::string& path, const std::vector<InstanceOptions>& instances, std::span<const Addresses> held)
    : path_(path) {
    const auto room = [&](std::size_t i) {
        const std::size_t wanted = instances[i].addresses.size() + instances[i].excluded_addresses.size();
        return static_cast<std::uint32_t>(std::max(wanted, held[i].size()));
    };
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < instances.size(); ++i) count += room(i);
    open(path, size_of(instances.size(), count));
    Header& written = header(map_);
    std::uint32_t first = 0;
    for (std::size_t i = 0; i < instances.size(); ++i) {
        const InstanceOptions& options = instances[i];
        InstanceEntry& each = entry(map_, i);
        each.advert_interval = options.advert_interval.count();
        each.virtual_router_id = options.virtual_router_id;
        each.first = first;
        each.capacity = room(i);
        first += each.capacity;
    }
    written.boot_id = boot_id();
    written.instances = static_cast<std::uint32_t>(instances.size());
    written.addresses = count;
    written.magic = magic;
}

void Record::open(const std::string& path, std::size_t size) {
    mkdir(path.substr(0, path.rfind('/')).c_str(), 0755);  // it is there already, or the next call tells why not
    unlink(path.c_str());  // a predecessor's, which has been read, and which its guard keeps open
    file_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    // All blocks at once: a store into the map must not find the disk full.
    const int error = !file_ ? errno : posix_fallocate(file_.get(), 0, static_cast<off_t>(size));
    if (error != 0) {
        problem_ = fmt::format("no runtime record {}: {}", path, std::generic_category().message(error));
        if (file_) unlink(path.c_str());
        file_ = Descriptor(memfd_create("vrrpd-record", MFD_CLOEXEC));
        if (!file_ || ftruncate(file_.get(), static_cast<off_t>(size)) != 0) fail("runtime record");
    }
    map_ = RecordMap(file_, size, true);
    if (map_.data() == nullptr) fail("runtime record");
}

void Record::renew(const std::vector<InstanceOptions>& instances, std::span<const Addresses> held, Instant now) {
    std::vector<Addresses> all(held.begin(), held.end());
    for (std::size_t i = 0; i < header(map_).instances; ++i) {
        Addresses known = all[i];
        std::ranges::sort(known);
        for (const netlink::OwnedAddress& one : recorded(i)) {
            if (!std::ranges::binary_search(known, one)) all[i].push_back(one);
        }
    }
    Record next(path_ + ".new", instances, all);
    next.take_over(*this, all, now);
    if (tell_) tell_(next.descriptor());
    if (next.problem_.empty() && rename(next.path_.c_str(), path_.c_str()) != 0) {
        next.problem_ = fmt::format("no runtime record {}: {}", path_, std::generic_category().message(errno));
        unlink(next.path_.c_str());
    }
    header(map_).parting.store(superseded, std::memory_order_release);
    file_ = std::move(next.file_);
    problem_ = std::move(next.problem_);
    map_ = std::move(next.map_);
}

Record::Addresses Record::recorded(std::size_t position) const {
    Addresses found;
    const InstanceEntry& each = entry(map_, position);
    if (each.held.load(std::memory_order_relaxed) == 0) return found;
    for (std::uint32_t i = 0; i < each.count; ++i) {
        if (const auto one = decode(address(map_, header(map_).instances, each.first + i))) found.push_back(*one);
    }
    return found;
}

void Record::take_over(const Record& before, std::span<const Addresses> held, Instant now) {
    for (std::size_t i = 0; i < held.size(); ++i) {
        if (held[i].empty()) continue;
        hold(i, held[i], now);
        if (i >= header(before.map_).instances) continue;
        const InstanceEntry& old = entry(before.map_, i);
        InstanceEntry& each = entry(map_, i);
        if (old.held.load(std::memory_order_relaxed) == 0) continue;
        each.priority.store(old.priority.load(std::memory_order_relaxed), std::memory_order_relaxed);
        if (each.advert_interval >= old.advert_interval) each.last_advert.store(old.last_advert.load());
    }
}

void Record::hold(std::size_t position, std::span<const netlink::OwnedAddress> addresses, Instant now) {
    InstanceEntry& each = entry(map_, position);
    const bool known = each.held.load(std::memory_order_relaxed) != 0;
    let_go(position);
    each.count = static_cast<std::uint32_t>(std::min<std::size_t>(addresses.size(), each.capacity));
    for (std::uint32_t i = 0; i < each.count; ++i) {
        const auto bytes = addresses[i].prefix.address.bytes();
        AddressEntry& one = address(map_, header(map_).instances, each.first + i);
        one.link = static_cast<std::uint32_t>(addresses[i].link);
        one.length = static_cast<std::uint8_t>(addresses[i].prefix.length);
        one.bytes = static_cast<std::uint8_t>(bytes.size());
        std::ranges::copy(bytes, one.address.begin());
    }
    if (!known) each.last_advert.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    each.held.store(1, std::memory_order_release);
}

void Record::let_go(std::size_t position) {
    InstanceEntry& each = entry(map_, position);
    each.held.store(0, std::memory_order_release);
    each.generation.fetch_add(1, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_release);
}

void Record::advert_left(std::size_t position, int priority, Instant now) {
    InstanceEntry& each = entry(map_, position);
    each.priority.store(static_cast<std::uint32_t>(priority), std::memory_order_relaxed);
    each.last_advert.store(now.time_since_epoch().count(), std::memory_order_release);
}

void Record::set_parting() {
    header(map_).parting.store(parting, std::memory_order_release);
}

}  // namespace vrrpd
