// Parsers of single values: what they read, and that nothing is cut, rounded or read half.
#include <chrono>

#include <gtest/gtest.h>

#include "vrrpd/config/parsers.hpp"
#include "vrrpd/config/suggest.hpp"

namespace vrrpd::config::config_parsers_test {
namespace {

using namespace std::chrono_literals;

Value lexed(std::string_view text) {
    auto value = lex_value(text);
    EXPECT_TRUE(value) << text;
    return value.value_or(Value{});
}

Result<Duration> any_duration(std::string_view text) {
    return parse_duration(text, 0ns, 24h);
}

Result<VirtualAddress> virtual_address(std::string_view text) {
    return parse_virtual_address(words_of(lexed(text)));
}

TEST(ConfigValue, CommentsBeginAfterABlank) {
    EXPECT_EQ(text_of(lexed(" eth0 ; the uplink")), "eth0");
    EXPECT_EQ(text_of(lexed(" eth0\t# the uplink")), "eth0");
    EXPECT_EQ(text_of(lexed(" a;b#c ")), "a;b#c");
    EXPECT_TRUE(lexed("   ; nothing here").empty());
    EXPECT_TRUE(lexed("").empty());
}

TEST(ConfigValue, QuotesKeepBlanksCommasAndCommentSigns) {
    EXPECT_EQ(text_of(lexed(R"( "a, b ; c # d" ; comment)")), "a, b ; c # d");
    EXPECT_EQ(text_of(lexed(R"("say \"yes\" or \\ or \r")")), R"(say "yes" or \ or \r)");
    EXPECT_EQ(items_of(lexed(R"("a,b",c)")).size(), 2U);
    EXPECT_FALSE(lex_value(R"("never closed)"));
    EXPECT_FALSE(lex_value(R"("ends in an escaped quote \")"));
}

TEST(ConfigValue, CommandsAreSplitAtBlanksOnly) {
    const Words expected{"/bin/prog", "-o", "a,b", "two words", "", "a\"b"};
    EXPECT_EQ(words_of(lexed(R"(/bin/prog -o a,b   "two words" "" a"\"b" ; comment)")), expected);
}

TEST(ConfigValue, ListsAreSplitAtCommas) {
    const auto items = items_of(lexed("10.0.0.1/24 dev eth1 ,10.0.0.2,, x"));
    ASSERT_EQ(items.size(), 4U);
    EXPECT_EQ(words_of(items[0]), (Words{"10.0.0.1/24", "dev", "eth1"}));
    EXPECT_EQ(text_of(items[1]), "10.0.0.2");
    EXPECT_TRUE(items[2].empty());
    EXPECT_EQ(text_of(items[3]), "x");
}

TEST(ConfigValue, DurationsAreExact) {
    EXPECT_EQ(any_duration("500ms").value(), 500ms);
    EXPECT_EQ(any_duration("2s").value(), 2s);
    EXPECT_EQ(any_duration("1min").value(), 1min);
    EXPECT_EQ(any_duration("3").value(), 3s);
    EXPECT_EQ(any_duration("0.5").value(), 500ms);
    EXPECT_EQ(any_duration("40.95s").value(), 40950ms);
    EXPECT_EQ(any_duration("0.000001").value(), 1us);
    EXPECT_EQ(any_duration("0").value(), 0s);
}

TEST(ConfigValue, H46_DurationsAreNeverReadHalf) {
    for (const auto* text : {"", "ms", "s", ".5", "1.", "-1s", "+1", "100abc", "1 s", "1h", "1e3", "0x10", "1.2.3",
                             "1,5", "0.0000001", "18446744073709551616", "18446744073709551615", "9223372036854775807s",
                             "99999999999999999999999999999999999"}) {
        EXPECT_FALSE(any_duration(text)) << text;
    }
    EXPECT_FALSE(parse_duration("9ms", 10ms, 1s));
    EXPECT_FALSE(parse_duration("1.000001s", 10ms, 1s));
    EXPECT_EQ(parse_duration("41s", 10ms, 40950ms).error(), "\"41s\" is out of range, allowed is 10ms to 40.95s");
}

TEST(ConfigValue, HugeDurationsAreOutOfRange) {
    for (const std::string text : {"9223372036854775807ns", "9223372036854775807.9999999"})
        EXPECT_EQ(any_duration(text).error().find("is out of range"), std::string::npos) << text;
    for (const std::string text : {"9223372036", "9223372037", "9223372036.854775", "9223372036854775807s",
                                   "9223372036854775808", "18446744073709551615", "18446744073709551616ms",
                                   "153722867281min", "99999999999999999999999999999999999.5"}) {
        EXPECT_EQ(any_duration(text).error(), "\"" + text + "\" is out of range, allowed is 0s to 1440min");
    }
}

TEST(ConfigValue, DurationsPrintAsTheyAreRead) {
    for (const Duration duration : {Duration(0), Duration(1us), Duration(1500us), Duration(10ms), Duration(1s),
                                    Duration(40950ms), Duration(90s), Duration(2min), Duration(24h)}) {
        EXPECT_EQ(any_duration(to_text(duration)).value(), duration) << to_text(duration);
    }
    EXPECT_EQ(to_text(1500us), "1.5ms");
    EXPECT_EQ(to_text(60s), "1min");
}

TEST(ConfigValue, Booleans) {
    for (const auto* text : {"yes", "true", "on"}) EXPECT_EQ(parse_boolean(text).value(), true);
    for (const auto* text : {"no", "false", "off"}) EXPECT_EQ(parse_boolean(text).value(), false);
    for (const auto* text : {"", "1", "0", "Yes", "yess", "n"}) EXPECT_FALSE(parse_boolean(text)) << text;
}

TEST(ConfigValue, H46_Integers) {
    EXPECT_EQ(parse_integer("255", 1, 255).value(), 255);
    EXPECT_EQ(parse_integer("-253", -253, 253).value(), -253);
    for (const auto* text : {"", "-", "0", "256", "100abc", "1 ", " 1", "1.0", "+1", "0x10", "--1", "4294967297",
                             "18446744073709551616", "18446744073709551617"}) {
        EXPECT_FALSE(parse_integer(text, 1, 255)) << text;
    }
    EXPECT_EQ(parse_integer("18446744073709551616", 1, 255).error(),
              "\"18446744073709551616\" is out of range, allowed are 1 to 255");
}

TEST(ConfigValue, VirtualAddresses) {
    const auto address = virtual_address("192.168.30.16/24 dev eth1 label eth1:vip").value();
    EXPECT_EQ(address.prefix, Prefix::parse("192.168.30.16/24"));
    EXPECT_EQ(address.device, "eth1");
    EXPECT_EQ(address.label, "eth1:vip");
    EXPECT_EQ(virtual_address("10.0.0.1").value().prefix.length, 32);
    EXPECT_EQ(virtual_address("fe80::1").value().prefix.length, 128);
    EXPECT_EQ(virtual_address("10.0.0.1 label x dev y").value().device, "y");
}

TEST(ConfigValue, NoVirtualAddresses) {
    for (const auto* text : {"",
                             "eth0",
                             "10.0.0",
                             "10.0.0.1/33",
                             "10.0.0.1/0",
                             "10.0.0.1/24x",
                             "10.0.0.1/",
                             "fe80::1%eth0",
                             "0.0.0.0",
                             "224.0.0.18",
                             "255.255.255.255",
                             "127.0.0.1",
                             "::1",
                             "::",
                             "ff02::1",
                             "fe80::1/129",
                             "10.0.0.1 dev",
                             "10.0.0.1 via 10.0.0.2",
                             "10.0.0.1 dev a dev b",
                             "10.0.0.1 dev a/b",
                             "10.0.0.1 dev abcdefghijklmnop",
                             "10.0.0.1 label abcdefghijklmnop",
                             "fe80::1 label x"}) {
        EXPECT_FALSE(virtual_address(text)) << text;
    }
}

Result<VirtualRoute> route(std::string_view text) {
    return parse_virtual_route(words_of(lexed(text)));
}

TEST(ConfigValue, Routes) {
    const VirtualRoute all{*Prefix::parse("10.1.0.0/16"),
                           IpAddress::parse("10.0.0.1"),
                           "eth1",
                           IpAddress::parse("10.0.0.16"),
                           4294967295,
                           4294967295};
    EXPECT_EQ(route("10.1.0.0/16 via 10.0.0.1 dev eth1 src 10.0.0.16 table 4294967295 metric 4294967295").value(), all);
    EXPECT_EQ(route("10.1.0.0/16 metric 4294967295 table 4294967295 src 10.0.0.16 dev eth1 via 10.0.0.1").value(), all);
    EXPECT_EQ(route("10.1.2.3").value().destination, Prefix::parse("10.1.2.3/32"));
    EXPECT_EQ(route("0.0.0.0/1").value().destination, Prefix::parse("0.0.0.0/1"));
    EXPECT_EQ(route("2001:db8::/33").value().destination, Prefix::parse("2001:db8::/33"));
    EXPECT_EQ(route("10.1.0.0/16 table main").value(), route("10.1.0.0/16").value());
    EXPECT_EQ(route("10.1.0.0/16").value().table, 254U);
    EXPECT_EQ(route("10.1.0.0/16").value().metric, std::nullopt);
    EXPECT_EQ(route("default via 10.0.0.1").value().destination, Prefix::parse("0.0.0.0/0"));
    EXPECT_EQ(route("default via fe80::1").value().destination, Prefix::parse("::/0"));
    EXPECT_EQ(route("default src 2001:db8::1").value().destination, Prefix::parse("::/0"));
    EXPECT_EQ(route("0.0.0.0/0 dev eth0").value().destination, Prefix::parse("0.0.0.0/0"));
}

TEST(ConfigValue, NoRoutes) {
    const std::string form = "allowed is DEST [via ADDR] [dev IF] [src ADDR] [table N] [metric N]";
    const auto error = [](std::string_view text) {
        const auto read = route(text);
        return read ? std::string() : read.error();
    };
    EXPECT_EQ(error(""), "no destination, " + form);
    EXPECT_EQ(error("eth0 via 10.0.0.1"), "\"eth0\" is no destination, " + form);
    EXPECT_EQ(error("10.1.0.0/33"), "\"10.1.0.0/33\" is no destination, " + form);
    EXPECT_EQ(error("10.1.2.3/16"), "\"10.1.2.3/16\" has bits behind its length, did you mean 10.1.0.0/16?");
    EXPECT_EQ(error("10.1.3.0/23"), "\"10.1.3.0/23\" has bits behind its length, did you mean 10.1.2.0/23?");
    EXPECT_EQ(error("2001:db8::1/64"), "\"2001:db8::1/64\" has bits behind its length, did you mean 2001:db8::/64?");
    EXPECT_EQ(error("0.0.0.0 via 10.0.0.1"), "\"0.0.0.0\" is the unspecified address, did you mean default?");
    EXPECT_EQ(error("default dev eth0"),
              "default has neither via nor src to tell IPv4 from IPv6, write 0.0.0.0/0 or ::/0");
    EXPECT_EQ(error("10.1.0.0/16 scope link"), "unexpected \"scope\", " + form);
    EXPECT_EQ(error("10.1.0.0/16 via"), "via has no value, " + form);
    EXPECT_EQ(error("10.1.0.0/16 dev a dev b"), "dev is there twice, " + form);
    EXPECT_EQ(error("10.1.0.0/16 via 10.0.0"), "via \"10.0.0\" is no address, allowed is ADDR, without a length");
    EXPECT_EQ(error("10.1.0.0/16 via 224.0.0.1"),
              "via \"224.0.0.1\" is a multicast address, allowed is one that a host can have");
    EXPECT_EQ(error("10.1.0.0/16 src 127.0.0.1"),
              "src \"127.0.0.1\" is a loopback address, which no other host can reach");
    EXPECT_TRUE(error("10.1.0.0/16 dev a/b").starts_with("dev \"a/b\" is no interface name"));
    EXPECT_EQ(error("10.1.0.0/16 table local"),
              "table \"local\" is no whole number, allowed are 1 to 4294967295, or main");
    for (const std::string table : {"0", "-1", "4294967296", "18446744073709551616"}) {
        EXPECT_EQ(error("10.1.0.0/16 table " + table),
                  "table \"" + table + "\" is out of range, allowed are 1 to 4294967295, or main");
    }
    EXPECT_EQ(error("10.1.0.0/16 metric 4294967296"),
              "metric \"4294967296\" is out of range, allowed are 0 to 4294967295");
    EXPECT_EQ(error("10.1.0.0/16 via fe80::1"), "fe80::1 is of another family than 10.1.0.0/16, allowed is one family");
    EXPECT_EQ(error("10.1.0.0/16 src fe80::1"), "fe80::1 is of another family than 10.1.0.0/16, allowed is one family");
    EXPECT_EQ(error("default via fe80::1 src 10.0.0.1"),
              "10.0.0.1 is of another family than ::/0, allowed is one family");
}

TEST(ConfigValue, Peers) {
    const auto peer = [](std::string_view text) { return parse_unicast_peer(words_of(lexed(text))); };
    EXPECT_EQ(peer("10.0.0.1").value(), (UnicastPeer{*IpAddress::parse("10.0.0.1"), 255}));
    EXPECT_EQ(peer("2001:db8::1 min_ttl 1").value(), (UnicastPeer{*IpAddress::parse("2001:db8::1"), 1}));
    EXPECT_EQ(peer("").error(), "no address, allowed is ADDR [min_ttl N]");
    EXPECT_EQ(peer("10.0.0.1/24").error(), "\"10.0.0.1/24\" is no address, allowed is ADDR, without a length");
    EXPECT_EQ(peer("10.0.0.1 max_ttl 3").error(), "unexpected \"max_ttl\", allowed is ADDR [min_ttl N]");
    EXPECT_EQ(peer("10.0.0.1 min_ttl").error(), "min_ttl has no number, allowed is ADDR [min_ttl N]");
    EXPECT_EQ(peer("10.0.0.1 min_ttl 5 x").error(), "unexpected \"x\", allowed is ADDR [min_ttl N]");
    EXPECT_EQ(peer("10.0.0.1 min_ttl 0").error(), "min_ttl \"0\" is out of range, allowed are 1 to 255");
    EXPECT_EQ(peer("10.0.0.1 min_ttl 256").error(), "min_ttl \"256\" is out of range, allowed are 1 to 255");
    for (const auto* text : {"0.0.0.0", "255.255.255.255", "224.0.0.18", "127.0.0.1", "::1", "host"}) {
        EXPECT_FALSE(peer(text)) << text;
    }
}

TEST(ConfigValue, Groups) {
    EXPECT_EQ(parse_group_address("224.0.0.18").value(), IpAddress::parse("224.0.0.18"));
    EXPECT_EQ(parse_group_address("ff02::12").value(), IpAddress::parse("ff02::12"));
    EXPECT_EQ(parse_group_address("10.0.0.1").error(),
              "\"10.0.0.1\" is no multicast address, allowed is one, as 224.0.0.18 or ff02::12");
    EXPECT_FALSE(parse_group_address("224.0.0.18/32"));
}

TEST(ConfigValue, Endpoints) {
    const auto four = parse_endpoint("127.0.0.1:11211").value();
    EXPECT_EQ(four.address, IpAddress::parse("127.0.0.1"));
    EXPECT_EQ(four.port, 11211);
    const auto six = parse_endpoint("[::1]:65535").value();
    EXPECT_EQ(six.address, IpAddress::parse("::1"));
    EXPECT_EQ(six.port, 65535);
    for (const auto* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:80x",
                             "::1:80", "[::1]", "[::1]80", "[127.0.0.1]:80", "localhost:80", "0.0.0.0:80", "[::]:80",
                             "224.0.0.1:80", "[fe80::1]:80", "[]:80", "[:80"}) {
        EXPECT_FALSE(parse_endpoint(text)) << text;
    }
}

TEST(ConfigValue, AddressesOfChecks) {
    EXPECT_EQ(parse_check_address("[::1]:80").value().port, 80);
    EXPECT_EQ(parse_check_address("unix:/run/redis.sock").value().path, "/run/redis.sock");
    EXPECT_EQ(parse_check_address("unix:/run/redis.sock").value().to_string(), "unix:/run/redis.sock");
    EXPECT_TRUE(parse_check_address("unix:/" + std::string(106, 'x')));
    EXPECT_EQ(parse_check_address("unix:/" + std::string(107, 'x')).error(),
              "108 bytes long, allowed for a socket are 107");
    EXPECT_EQ(parse_check_address("unix:redis.sock").error(),
              "\"redis.sock\" is no absolute path, allowed is unix:/PATH");
    EXPECT_EQ(parse_check_address("/run/redis.sock").error(),
              "\"/run/redis.sock\" is no address, a unix socket is written unix:/run/redis.sock");
    for (const auto* text : {"unix:", "unix", "UNIX:/a", "localhost:80"})
        EXPECT_FALSE(parse_check_address(text)) << text;
}

TEST(ConfigValue, StatusRanges) {
    EXPECT_EQ(parse_status_range("200").value(), (health::StatusRange{200, 200}));
    EXPECT_EQ(parse_status_range("100-599").value(), (health::StatusRange{100, 599}));
    for (const auto* text : {"", "-", "200-", "-200", "99", "600", "300-200", "2xx", "200-299-300", "200 - 299"}) {
        EXPECT_FALSE(parse_status_range(text)) << text;
    }
}

TEST(ConfigValue, EscapedTexts) {
    EXPECT_EQ(parse_escaped(R"(a\r\n\t\\\x00\xfFz)").value(), std::string("a\r\n\t\\\0\xffz", 8));
    EXPECT_EQ(parse_escaped(R"(\x4142)").value(), "A42");
    for (const auto* text : {R"(\)", R"(a\)", R"(\q)", R"(\x)", R"(\x1)", R"(\xg1)", R"(\x1g)", R"(\N)"}) {
        EXPECT_FALSE(parse_escaped(text)) << text;
    }
    EXPECT_EQ(parse_escaped(R"(PING\q)").error(),
              R"("\q" is no escape, allowed are \r \n \t \\ \xHH; in quotes a backslash is \x5c)");
}

TEST(ConfigValue, Tracks) {
    EXPECT_FALSE(parse_track({"memcached"}, parse_name).value().weight.has_value());
    const auto track = parse_track({"memcached", "weight", "-20", "reverse"}, parse_name).value();
    EXPECT_EQ(track.name, "memcached");
    EXPECT_EQ(track.weight, -20);
    EXPECT_TRUE(track.reverse);
    EXPECT_EQ(parse_track({"a", "weight", "253"}, parse_name).value().weight, 253);
    for (const Words& words :
         {Words{}, Words{"a", "weight"}, Words{"a", "weight", "0"}, Words{"a", "weight", "254"},
          Words{"a", "weight", "-254"}, Words{"a", "weight", "5x"}, Words{"a", "reverse"},
          Words{"a", "weight", "5", "x"}, Words{"a", "weight", "5", "reverse", "x"}, Words{"a b"}}) {
        EXPECT_FALSE(parse_track(words, parse_name));
    }
}

TEST(ConfigValue, TracksOfInterfaces) {
    EXPECT_EQ(parse_track({"eth0~1", "weight", "-5"}, parse_interface).value().name, "eth0~1");
    EXPECT_FALSE(parse_track({"eth0~1"}, parse_name));
    EXPECT_FALSE(parse_track({"abcdefghijklmnop"}, parse_interface));
    EXPECT_FALSE(parse_track({"eth0:1"}, parse_interface));
}

TEST(ConfigValue, CommandsNameAProgram) {
    EXPECT_EQ(parse_command(lexed("/bin/true a,b")).value(), (Words{"/bin/true", "a,b"}));
    EXPECT_EQ(parse_command(lexed("true")).value(), Words{"true"});
    for (const auto* text : {"", "\"\"", "./true", "bin/true"}) EXPECT_FALSE(parse_command(lexed(text))) << text;
}

TEST(ConfigValue, ExcerptsAreShortAndHarmless) {
    EXPECT_EQ(excerpt("100abc"), "\"100abc\"");
    EXPECT_EQ(excerpt("a\033[31m"), "\"a?[31m\"");
    EXPECT_EQ(excerpt(std::string(1000, 'x')), "\"" + std::string(60, 'x') + "...\"");
}

TEST(ConfigSuggest, OnlyCloseNames) {
    const std::vector<std::string> known{"priority", "interface", "rise", "fall"};
    EXPECT_EQ(nearest("priorty", known), "priority");
    EXPECT_EQ(nearest("pirority", known), "priority");
    EXPECT_EQ(nearest("interfaces", known), "interface");
    EXPECT_EQ(nearest("rsie", known), "rise");
    EXPECT_EQ(nearest("weight", known), std::nullopt);
    EXPECT_EQ(nearest("", known), std::nullopt);
    EXPECT_EQ(nearest(std::string(4000, 'p'), known), std::nullopt);
}

TEST(ConfigSuggest, KnowsWordsFromElsewhere) {
    EXPECT_FALSE(hint_for_section("vrrp_script").empty());
    EXPECT_FALSE(hint_for_section("virtual_server").empty());
    EXPECT_FALSE(hint_for_section("unicast_peer").empty());
    EXPECT_TRUE(hint_for_section("vrrp_sync_group").empty());
    EXPECT_TRUE(hint_for_key("vrrp_instance", "unicast_peer").empty());
    for (const auto* word : {"state", "strict_mode", "vrrp_strict", "smtp_alert", "lvs_sync_daemon"}) {
        EXPECT_FALSE(hint_for_key("vrrp_instance", word).empty()) << word;
    }
}

}  // namespace
}  // namespace vrrpd::config::config_parsers_test
