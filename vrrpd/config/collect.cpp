#include "vrrpd/config/collect.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "vrrpd/config/schema.hpp"
#include "vrrpd/config/suggest.hpp"

namespace vrrpd::config {
namespace {

constexpr std::array all_sections{Section::global, Section::defaults, Section::instance,
                                  Section::group,  Section::check,    Section::service};

std::optional<Section> section_of(std::string_view kind) {
    const auto found = std::ranges::find(all_sections, kind, kind_of);
    return found == all_sections.end() ? std::nullopt : std::optional(*found);
}

bool has_name(Section section) {
    return section != Section::global && section != Section::defaults;
}

/// `[check NAME]`.
std::string header_of(Section section) {
    return fmt::format("[{}{}]", kind_of(section), has_name(section) ? " NAME" : "");
}

std::string where(const Place& place, const Place& seen_from) {
    if (place.file == seen_from.file) return fmt::format("line {}", place.line);
    return fmt::format("{}:{}", place.file, place.line);
}

std::string unknown_section(std::string_view kind) {
    if (const auto hint = hint_for_section(kind); !hint.empty()) {
        return hint.starts_with("not supported") ? std::string(hint) : fmt::format("unknown section: {}", hint);
    }
    std::vector<std::string> kinds;
    std::vector<std::string> headers;
    for (const Section section : all_sections) {
        kinds.emplace_back(kind_of(section));
        headers.push_back(header_of(section));
    }
    const auto meant = nearest(kind, kinds);
    if (meant) return fmt::format("unknown section, did you mean {}?", header_of(*section_of(*meant)));
    return fmt::format("unknown section, allowed are {}", fmt::join(headers, ", "));
}

std::string unknown_key(Section section, std::string_view key, const std::optional<std::string>& meant) {
    const Section owner = section == Section::defaults ? Section::instance : section;
    if (const auto hint = hint_for_key(kind_of(owner), key); !hint.empty()) {
        return hint.starts_with("not supported") ? std::string(hint) : fmt::format("unknown key: {}", hint);
    }
    for (const Section other : all_sections) {
        if (other == Section::defaults) continue;  // has no keys of its own
        if (find_key(other, key) != nullptr) return fmt::format("unknown key here, it belongs to {}", header_of(other));
    }
    if (meant) return fmt::format("unknown key, did you mean {}?", *meant);
    return fmt::format("unknown key, allowed are {}", fmt::join(key_names(section), ", "));
}

class Collector {
  public:
    explicit Collector(Problems& problems) : problems_(problems), report_(problems) {
        drafts_.global = make_draft(Section::global, {}, {});
        defaults_ = make_draft(Section::defaults, {}, {});
    }

    void take(const Entry& entry) {
        if (entry.key.empty()) {
            current_ = begin(entry);
        } else if (current_ != nullptr) {
            set(*current_, entry);
        }
    }

    Drafts finish() {
        for (Draft& draft : drafts_.instances) inherit(draft);
        return std::move(drafts_);
    }

  private:
    struct Default {
        const Key* key = nullptr;
        Value value;
        Place place;
    };

    Draft* begin(const Entry& entry);
    Draft* scratch(Section section, const Entry& entry) {
        return &(scratch_ = make_draft(section, entry.name, entry.place));
    }
    Draft* shared(Draft& draft, const Entry& entry);
    Draft* add(Section section, const Entry& entry);
    void set(Draft& draft, const Entry& entry);
    void inherit(Draft& draft) const;

    void section_error(const Entry& entry, std::string text) {
        const std::string title = entry.kind + (entry.name.empty() ? "" : " " + entry.name);
        problems_.push_back({entry.place.file, entry.place.line, title, {}, std::move(text), Severity::error});
    }

    Problems& problems_;
    Report report_;
    Drafts drafts_;
    Draft defaults_;
    Draft scratch_;  // takes the keys of a section that may not be there, so that they are checked all the same
    std::vector<Default> default_values_;
    Draft* current_ = nullptr;
};

/// The draft that the following keys belong to; null: they cannot be judged.
Draft* Collector::begin(const Entry& entry) {
    const auto section = section_of(entry.kind);
    if (!section) {
        section_error(entry, unknown_section(entry.kind));
        drafts_.doubtful_names.insert(entry.name);
        return nullptr;
    }
    if (has_name(*section) == entry.name.empty()) {
        section_error(
            entry, fmt::format("{} name, write {}", entry.name.empty() ? "needs a" : "takes no", header_of(*section)));
        return scratch(*section, entry);
    }
    if (*section == Section::global) return shared(drafts_.global, entry);
    if (*section == Section::defaults) return shared(defaults_, entry);
    return add(*section, entry);
}

Draft* Collector::shared(Draft& draft, const Entry& entry) {
    if (draft.place.file == entry.place.file) {
        section_error(entry, fmt::format("is there twice, first in line {}; write one section", draft.place.line));
        return scratch(draft.section, entry);
    }
    draft.place = entry.place;
    return &draft;
}

Draft* Collector::add(Section section, const Entry& entry) {
    auto& drafts = section == Section::instance ? drafts_.instances
                   : section == Section::group  ? drafts_.groups
                   : section == Section::check  ? drafts_.checks
                                                : drafts_.services;
    const auto twin = std::ranges::find(drafts, entry.name, &Draft::name);
    if (twin != drafts.end()) {
        section_error(entry,
                      fmt::format("is there twice, first in {}; names are unique", where(twin->place, entry.place)));
        return scratch(section, entry);
    }
    return &drafts.emplace_back(make_draft(section, entry.name, entry.place));
}

void Collector::set(Draft& draft, const Entry& entry) {
    const Key* const key = find_key(draft.section, entry.key);
    if (entry.broken) {
        if (key != nullptr) draft.doubtful.insert(entry.key);
        return;
    }
    if (key == nullptr) {
        const auto meant = nearest(entry.key, key_names(draft.section));
        report_.error_at(draft, entry.place, entry.key, unknown_key(draft.section, entry.key, meant));
        if (meant) draft.doubtful.insert(*meant);
        return;
    }
    const auto [first, is_first] = draft.given.emplace(entry.key, entry.place);
    if (!is_first && !key->repeatable) {
        report_.error_at(
            draft, entry.place, entry.key,
            fmt::format("is there twice, first in {}; allowed is one value", where(first->second, entry.place)));
        return;
    }
    if (entry.value.empty()) {
        if (key->may_be_empty) return;
        draft.doubtful.insert(entry.key);
        return report_.error_at(draft, entry.place, entry.key, fmt::format("has no value, allowed is {}", key->type));
    }
    for (std::string& sentence : key->apply(draft, entry.value, entry.place)) {
        draft.doubtful.insert(entry.key);
        report_.error_at(draft, entry.place, entry.key, std::move(sentence));
    }
    if (&draft == &defaults_) default_values_.push_back({key, entry.value, entry.place});
}

/// Applies the [defaults] that the instance does not set. What is wrong with them has been reported where they stand.
void Collector::inherit(Draft& draft) const {
    for (const std::string& key : defaults_.doubtful) {
        if (!draft.given.contains(key)) draft.doubtful.insert(key);
    }
    for (const Default& standard : default_values_) {
        if (draft.given.contains(standard.key->name)) continue;
        draft.inherited.insert(standard.key->name);
        standard.key->apply(draft, standard.value, standard.place);
    }
}

}  // namespace

Drafts collect(const std::vector<Entry>& entries, Problems& problems) {
    Collector collector(problems);
    for (const Entry& entry : entries) collector.take(entry);
    return collector.finish();
}

}  // namespace vrrpd::config
