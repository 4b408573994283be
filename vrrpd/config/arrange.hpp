// What a newly read file changes of a configuration that is in force.
//
// All who work with a configuration know things by their place in it. arrange() brings the new one into the order of
// the one in force: what stays has the same place, what is new takes a place that was vacant before or a new one at
// the end. What goes leaves its place behind: an instance with the options it had, since it is still to be handed over;
// all else vacant at once. No place changes its tenant within one reload, so nobody is mistaken for another.
//
//   an instance is the same   interface, family and virtual router ID are; among several of these (unicast with other
//                             peers) first by name, then by a common peer
//   a check, service, tracked interface is the same   its name is
//
// Plain data in, plain data out. A place is vacant where an instance has no VRID, and anything else no name.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "vrrpd/config/config.hpp"

namespace vrrpd::config {

/// Places, each list sorted.
struct Changes {
    std::vector<std::size_t> changed;  ///< the same, with other options
    std::vector<std::size_t> added;
    std::vector<std::size_t> removed;
    bool none() const { return changed.empty() && added.empty() && removed.empty(); }
    friend bool operator==(const Changes&, const Changes&) = default;
};

/// A virtual address that one instance gives up and another one takes.
struct Move {
    Prefix address;
    std::size_t from;
    std::size_t to;
    friend bool operator==(const Move&, const Move&) = default;
};

struct Arranged {
    Config config;
    Changes instances;
    Changes checks;
    Changes services;
    std::vector<Move> moves;
    std::vector<std::string> needs_restart;  ///< keys of [global] that differ, and have an effect at the start only
};

/// `running` has no instance that is still being handed over: the place of one that is gone is vacant.
Arranged arrange(const Config& running, Config loaded);

}  // namespace vrrpd::config
