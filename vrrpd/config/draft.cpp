#include "vrrpd/config/draft.hpp"

#include <algorithm>

namespace vrrpd::config {

std::string_view kind_of(Section section) {
    switch (section) {
        case Section::global:
            return "global";
        case Section::defaults:
            return "defaults";
        case Section::instance:
            return "vrrp_instance";
        case Section::group:
            return "vrrp_sync_group";
        case Section::check:
            return "check";
        case Section::service:
            return "service";
    }
    return {};
}

Draft make_draft(Section section, std::string name, Place place) {
    Draft draft;
    draft.section = section;
    draft.title = std::string(kind_of(section)) + (name.empty() ? "" : " " + name);
    draft.place = std::move(place);
    switch (section) {
        case Section::global:
            draft.body = GlobalOptions{};
            break;
        case Section::defaults:
        case Section::instance:
            draft.body.emplace<InstanceDraft>().name = name;
            break;
        case Section::group:
            draft.body.emplace<GroupDraft>().name = name;
            break;
        case Section::check:
            draft.body.emplace<CheckDraft>().name = name;
            break;
        case Section::service:
            draft.body.emplace<ServiceDraft>().name = name;
            break;
    }
    draft.name = std::move(name);
    return draft;
}

bool Report::clean() const {
    return std::ranges::none_of(problems_, [](const Problem& problem) { return problem.severity == Severity::error; });
}

const Place& Report::place_of(const Draft& draft, std::string_view key) {
    const auto found = draft.given.find(key);
    return found == draft.given.end() ? draft.place : found->second;
}

void Report::add(const Draft& draft, const Place& place, std::string_view key, std::string text, Severity severity) {
    problems_.push_back({place.file, place.line, draft.title, std::string(key), std::move(text), severity});
}

}  // namespace vrrpd::config
