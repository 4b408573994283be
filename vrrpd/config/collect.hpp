// From the flat list of entries to one draft a section: known sections and keys, single values given once,
// [defaults] handed down. What a single value may be is judged here; what relates several is left to
// resolve.hpp and rules.hpp.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "vrrpd/config/draft.hpp"
#include "vrrpd/config/ini_reader.hpp"

namespace vrrpd::config {

struct Drafts {
    Draft global;
    std::deque<Draft> instances;  // a deque: drafts keep their address while more are added
    std::deque<Draft> groups;
    std::deque<Draft> checks;
    std::deque<Draft> services;
    /// Names of sections whose kind was not understood: a reference to one is no second mistake.
    std::set<std::string, std::less<>> doubtful_names;
};

/// [global] and [defaults] may stand once in each file and share their keys; every other section stands once.
Drafts collect(const std::vector<Entry>& entries, Problems& problems);

}  // namespace vrrpd::config
