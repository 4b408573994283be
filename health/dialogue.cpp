#include "health/dialogue.hpp"

#include <algorithm>

#include "health/http_dialogue.hpp"
#include "health/memcached_dialogue.hpp"
#include "health/redis_dialogue.hpp"
#include "health/send_expect_dialogue.hpp"

namespace vrrpd::health {

std::unique_ptr<Dialogue> make_dialogue(const CheckOptions& options, Past& past) {
    switch (options.kind) {
        case Kind::memcached:
            return std::make_unique<MemcachedDialogue>(options.memcached, past);
        case Kind::redis:
            return std::make_unique<RedisDialogue>(options.redis);
        case Kind::http:
            return std::make_unique<HttpDialogue>(options.http, options.endpoint);
        case Kind::send_expect:
            return std::make_unique<SendExpectDialogue>(options.send_expect);
        default:
            return nullptr;
    }
}

std::string excerpt(std::string_view bytes) {
    constexpr std::size_t longest = 80;  // enough to recognise a server by; the text ends up in a log line
    std::string text(bytes.substr(0, longest));
    std::ranges::replace_if(
        text, [](char character) { return character < ' ' || character > '~'; }, '?');
    return text;
}

Finding wrong_protocol(std::string_view bytes) {
    const std::string_view line = bytes.substr(0, bytes.find_first_of("\r\n"));
    return {Class::wrong_protocol, line.empty() ? "an empty line" : excerpt(line), true};
}

Finding cut_off(bool begun) {
    return {Class::failed, begun ? "closed within its reply" : "closed without a reply", true};
}

Finding unanswered(bool begun, Duration timeout) {
    const std::string_view what = begun ? "connected, reply not complete in " : "connected, no reply in ";
    return {Class::hung, std::string(what).append(in_milliseconds(timeout))};
}

}  // namespace vrrpd::health
