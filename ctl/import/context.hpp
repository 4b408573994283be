// What the parts of the translation share: the statements by kind and name, the names that they get here, who tracks
// what, and the list of what is lost. For the files of this folder only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ctl/import/ini_writer.hpp"
#include "ctl/import/translate.hpp"
#include "ctl/import/words.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd::keepalived {

/// What an instance can track by name; each becomes a [check NAME].
enum class Watched { script, process, file };

struct Context {
    Host host;
    IniWriter ini;
    std::vector<Remark> lost;

    std::map<std::string, Statement, std::less<>> globals;  ///< statements of global_defs by their first word
    std::vector<Statement> other_globals;                   ///< in order, those that translate() has no key for
    bool strict = false;                                    ///< vrrp_strict
    std::vector<const Statement*> instances, groups;
    std::map<std::pair<Watched, std::string>, const Statement*> watched;
    std::map<std::string, const Statement*> group_of;      ///< by name of an instance
    std::vector<std::pair<Watched, std::string>> tracked;  ///< in the order of their first use

    /// Says on both ways that something is not carried over.
    void lose(const Place& place, const std::string& what, std::string_view why);
    /// A comment, and no more.
    void note(const std::string& what, std::string_view why) { ini.comment(what + ": " + std::string(why)); }
    /// Of a statement that has no key of its own.
    void pass_over(Block block, const Statement& statement);
    /// Writes a key, or says why it cannot.
    void put(const Place& place, std::string_view key, std::string_view value, std::string_view remark = {});

    const Statement* global(std::string_view word) const {
        const auto found = globals.find(word);
        return found == globals.end() ? nullptr : &found->second;
    }
    /// Who keepalived runs commands as.
    std::string_view script_user() const;
    /// The name of an instance, group or check here: one that INI can hold, and no other's.
    std::string name_of(std::string_view kind, const std::string& name);
    std::string check_name(Watched kind, const std::string& name);

  private:
    std::string free_name(std::string_view kind, const std::string& name);

    std::map<std::pair<std::string, std::string>, std::string> names_;  ///< by kind and name there
    std::set<std::pair<std::string, std::string>> taken_;
};

/// A number of seconds, with a fraction perhaps; nothing: it is none.
std::optional<Duration> seconds_of(std::string_view text);
/// As a value of INI.
std::string text_of(Duration duration);
std::optional<int> number_of(std::string_view text);

/// `weight N [reverse]` from `position` on; `position` moves behind it. A weight of 0 is none.
struct Weight {
    int number = 0;
    bool reverse = false;
};
std::optional<Weight> weight_of(const Statement& statement, std::size_t& position);

/// Writes [check NAME] for all that is tracked.
void translate_checks(Context& context);
void translate_instance(Context& context, const Statement& instance);
void translate_group(Context& context, const Statement& group);
/// notify and its relatives, of an instance or a group. False: the statement is none of them.
bool translate_hook(Context& context, const Statement& statement);

/// The argv of a statement such as `script "/usr/bin/x -a"`.
std::vector<std::string> command_of(const Statement& statement);

}  // namespace vrrpd::keepalived
