// The runtime record: which addresses this host holds, and when the last advert for them left. Written by the daemon,
// one or two stores for an advert; read by the guard while the daemon runs, and by its successor or `vrrpd --release`
// when it does not.
//
// It is a file of fixed-size records that is mapped into memory: `state` in the directory of the control socket, which
// should be on a tmpfs, as /run is. What cannot be written there is kept in anonymous memory, for the guard alone: then
// nothing can be adopted.
//
// Whoever reads it trusts nothing: a file that is not regular, not ours alone, of another version, of another boot or
// too short is no record, and every number in it is checked where it is used. The daemon may be stopped, or killed, in
// the middle of any store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netlink/plan.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/core/time.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd {

/// `state` beside the control socket.
std::string record_path(const std::string& control_socket);

/// What the record says of an instance that holds its addresses.
struct Held {
    std::uint32_t generation = 0;  ///< another one each time that the addresses are taken
    std::uint8_t virtual_router_id = 0;
    int priority = 0;  ///< of the last advert
    Duration advert_interval{};
    Instant last_advert{};
    std::vector<netlink::OwnedAddress> addresses;
};

class RecordMap {
  public:
    RecordMap() = default;
    RecordMap(const Descriptor& file, std::size_t size, bool writable);  ///< data() is null if it cannot be mapped
    RecordMap(RecordMap&& other) noexcept;
    RecordMap& operator=(RecordMap&& other) noexcept;
    ~RecordMap();
    std::byte* data() const { return data_; }
    std::size_t size() const { return size_; }

  private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

/// The reading side.
class RecordReader {
  public:
    /// The record that a predecessor left; none: there is none that can be believed.
    static std::optional<RecordReader> open(const std::string& path);
    /// That of a daemon which runs, and handed it over: it is of this boot whatever it says, and there may be no /proc
    /// to ask. Nothing is held in one that is superseded by now.
    static std::optional<RecordReader> read(const Descriptor& file);

    /// How many instances it has.
    std::size_t size() const { return count_; }
    /// The daemon left on purpose, for a successor.
    bool was_parting() const;
    /// None: that instance holds nothing, or what is said of it makes no sense.
    std::optional<Held> held(std::size_t position) const;
    /// The same without the addresses, for a look in between.
    std::optional<Held> brief(std::size_t position) const;
    /// Of an instance that may hold something or not; within the bounds of any protocol.
    Duration advert_interval(std::size_t position) const;

  private:
    explicit RecordReader(RecordMap map, std::size_t count) : map_(std::move(map)), count_(count) {}
    static std::optional<RecordReader> check(const Descriptor& file, std::uint64_t size, bool handed_over);
    RecordMap map_;
    std::size_t count_;
};

/// The writing side.
class Record {
  public:
    /// A new one in place of what is at `path`, or in memory only: then problem() says why. Throws std::system_error
    /// when even that fails.
    Record(const std::string& path, const std::vector<InstanceOptions>& instances);

    /// Who is to be told of a new file in place of this one: the guard. Called by renew().
    void on_renewed(std::function<void(int descriptor)> tell) { tell_ = std::move(tell); }

    /// Makes it anew for other instances; positions are theirs. `held`: by position, what is held or about to be. When
    /// the last advert left stays known, and an instance whose interval became shorter has the time of a new one.
    ///
    /// At each moment one of the two files says all that is held, and whoever reads the old one when it does not any
    /// more is told that it is superseded. Without a file the old one goes on, as far as it reaches.
    void renew(const std::vector<InstanceOptions>& instances, std::span<const std::vector<netlink::OwnedAddress>> held,
               Instant now);

    /// Why a successor will not find it; empty: it will.
    const std::string& problem() const { return problem_; }
    int descriptor() const { return file_.get(); }

    /// Said before the first of them is put on a link, and again when they are others. Not more of them than the
    /// instance has in the options, or had when these came. An advert left just now, or is about to.
    void hold(std::size_t position, std::span<const netlink::OwnedAddress> addresses, Instant now);
    /// All are gone.
    void let_go(std::size_t position);
    void advert_left(std::size_t position, int priority, Instant now);
    void set_parting();

  private:
    using Addresses = std::vector<netlink::OwnedAddress>;
    Record(const std::string& path, const std::vector<InstanceOptions>& instances, std::span<const Addresses> held);
    void open(const std::string& path, std::size_t size);
    Addresses recorded(std::size_t position) const;
    void take_over(const Record& before, std::span<const Addresses> held, Instant now);

    std::string path_;
    std::function<void(int)> tell_;
    Descriptor file_;
    std::string problem_;
    RecordMap map_;
};

}  // namespace vrrpd
