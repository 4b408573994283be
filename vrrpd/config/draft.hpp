// A section on its way from text to options: what its keys have said so far, where they stood, and the names
// in it that can be resolved only when all sections are known.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vrrpd/config/config.hpp"
#include "vrrpd/config/parsers.hpp"
#include "vrrpd/config/problem.hpp"

namespace vrrpd::config {

enum class Section { global, defaults, instance, group, check, service };

/// A name of another section, and where it was written.
struct Reference {
    std::string name;
    Place place;
};

struct TrackReference : TrackedName {
    Place place;
};

struct InstanceDraft : InstanceOptions {
    std::vector<TrackReference> track_checks;
    std::vector<TrackReference> track_interfaces;
    std::vector<Reference> preempt_checks;
    std::vector<Reference> service_names;
    bool with_password = false;  ///< auth_type = PASS
    std::string password_file;
    std::optional<IpAddress> unicast_source;    ///< unicast_src_ip
    std::optional<IpAddress> multicast_source;  ///< mcast_src_ip
    std::map<IpAddress, Place> address_places;  ///< of all addresses, excluded ones too
    std::map<IpAddress, Place> peer_places;
    std::vector<Place> route_places;  ///< as many as routes
};

struct GroupDraft : SyncGroupOptions {
    std::vector<Reference> member_names;
};

struct CheckDraft : health::CheckOptions {
    std::string user;           ///< script, redis
    std::string auth_file;      ///< memcached
    std::string password_file;  ///< redis
};

struct ServiceDraft : service::ServiceOptions {
    std::string user;
};

struct Draft {
    Section section = Section::global;
    std::string name;
    std::string title;  ///< as in the file: `check memcached`
    Place place;        ///< of the section line
    std::variant<GlobalOptions, InstanceDraft, GroupDraft, CheckDraft, ServiceDraft> body;
    std::map<std::string, Place, std::less<>> given;  ///< keys that stand in the section itself: the first place
    std::set<std::string, std::less<>> inherited;     ///< keys that came from [defaults]
    std::set<std::string, std::less<>> doubtful;      ///< keys that were meant but wrong; reported already

    bool has(std::string_view key) const {
        return given.contains(key) || inherited.contains(key) || doubtful.contains(key);
    }
    bool is_doubtful(std::string_view key) const { return doubtful.contains(key); }
};

/// An empty draft that holds the defaults of its kind.
Draft make_draft(Section section, std::string name, Place place);

/// `vrrp_instance` and so on, as a section line has it.
std::string_view kind_of(Section section);

/// Appends problems of drafts.
class Report {
  public:
    explicit Report(Problems& problems) : problems_(problems) {}

    /// At the key where the section has it, otherwise at the section line.
    void error(const Draft& draft, std::string_view key, std::string text) {
        add(draft, place_of(draft, key), key, std::move(text), Severity::error);
    }
    void warning(const Draft& draft, std::string_view key, std::string text) {
        add(draft, place_of(draft, key), key, std::move(text), Severity::warning);
    }
    void error_at(const Draft& draft, const Place& place, std::string_view key, std::string text) {
        add(draft, place, key, std::move(text), Severity::error);
    }
    void warning_at(const Draft& draft, const Place& place, std::string_view key, std::string text) {
        add(draft, place, key, std::move(text), Severity::warning);
    }

    /// Whether no error has been reported so far, by anybody.
    bool clean() const;

  private:
    static const Place& place_of(const Draft& draft, std::string_view key);
    void add(const Draft& draft, const Place& place, std::string_view key, std::string text, Severity severity);

    Problems& problems_;
};

}  // namespace vrrpd::config
