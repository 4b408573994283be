// Every key of every section, in one table: its name, what its value may be, its default, one line of help,
// and how it is applied to the section's options. Parsing, checking, error messages, name suggestions and the
// reference docs/configuration.md all come from this table; what relates several keys is in rules.hpp.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "vrrpd/config/draft.hpp"

namespace vrrpd::config {

struct Key {
    Section section = Section::global;
    std::string name;
    std::string type;      ///< what a value may be, for a person
    std::string standard;  ///< the default as text; empty: none, or `help` says it
    std::string help;      ///< one line
    bool repeatable = false;
    bool required = false;
    bool may_be_empty = false;  ///< `key =` stands for the default
    /// Puts the value into the draft; returns a sentence for each thing that is wrong with it.
    std::function<std::vector<std::string>(Draft&, const Value&, const Place&)> apply;
    /// A reload cannot change it, only a restart: puts the value of `running` into `loaded`, and returns whether it was
    /// another one. None: a reload can.
    std::function<bool(GlobalOptions& loaded, const GlobalOptions& running)> keep{};
};

/// All keys, in the order of the reference. [defaults] has no rows of its own: it takes those of an instance.
const std::vector<Key>& schema();

/// Null: no such key there.
const Key* find_key(Section section, std::string_view name);

/// The names of a section's keys.
std::vector<std::string> key_names(Section section);

}  // namespace vrrpd::config
