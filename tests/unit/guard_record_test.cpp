// The runtime record: what is written comes back, and what cannot be believed is no record.
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "vrrpd/guard/record.hpp"

namespace vrrpd::guard_record_test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Addresses = std::vector<netlink::OwnedAddress>;

constexpr Instant noon = Instant() + 12h;

Addresses addresses(std::initializer_list<const char*> texts) {
    Addresses all;
    for (const char* text : texts) all.push_back({7, *Prefix::parse(text)});
    return all;
}

std::vector<InstanceOptions> two_instances() {
    std::vector<InstanceOptions> options(2);
    options[0].virtual_router_id = 51;
    options[0].addresses.resize(2);
    options[1].virtual_router_id = 52;
    options[1].advert_interval = 100ms;
    options[1].excluded_addresses.resize(1);
    return options;
}

class RuntimeRecord : public testing::Test {
  protected:
    RuntimeRecord() {
        std::string pattern = (fs::temp_directory_path() / "vrrpd-record-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~RuntimeRecord() override { fs::remove_all(folder_); }

    std::string path() const { return folder_ / "state"; }
    std::string bytes() const {
        std::ifstream in(path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(const std::string& bytes) const {
        std::ofstream(path(), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }

    fs::path folder_;
};

TEST_F(RuntimeRecord, IsBesideTheControlSocket) {
    EXPECT_EQ(record_path("/run/vrrpd/control"), "/run/vrrpd/state");
    EXPECT_EQ(record_path("/control"), "/state");
}

TEST_F(RuntimeRecord, ComesBackAsItWasWritten) {
    {
        Record record(path(), two_instances());
        EXPECT_EQ(record.problem(), "");
        record.hold(0, addresses({"10.0.0.1/24", "2001:db8::1/64"}), noon);
        record.advert_left(0, 250, noon + 1s);
        record.hold(1, addresses({"10.0.0.9"}), noon + 2s);
        record.set_parting();
    }
    const auto reader = RecordReader::open(path());
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->size(), 2u);
    EXPECT_TRUE(reader->was_parting());
    const auto first = reader->held(0), second = reader->held(1);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->virtual_router_id, 51);
    EXPECT_EQ(first->priority, 250);
    EXPECT_EQ(first->advert_interval, 1s);
    EXPECT_EQ(first->last_advert, noon + 1s);
    EXPECT_EQ(first->addresses, addresses({"10.0.0.1/24", "2001:db8::1/64"}));
    EXPECT_EQ(second->last_advert, noon + 2s);
    EXPECT_EQ(second->addresses, addresses({"10.0.0.9"}));
}

TEST_F(RuntimeRecord, ForgetsWhatIsLetGoAndCountsGenerations) {
    Record record(path(), two_instances());
    const auto reader = RecordReader::open(path());
    EXPECT_FALSE(reader->held(0));
    EXPECT_EQ(reader->advert_interval(1), 100ms);
    record.hold(0, addresses({"10.0.0.1"}), noon);
    const auto generation = reader->held(0)->generation;
    record.hold(0, addresses({"10.0.0.2"}), noon + 1s);
    EXPECT_EQ(reader->held(0)->last_advert, noon) << "no advert has left since";
    EXPECT_NE(reader->held(0)->generation, generation);
    record.let_go(0);
    EXPECT_FALSE(reader->held(0));
    record.hold(0, addresses({"10.0.0.1"}), noon + 2s);
    EXPECT_EQ(reader->held(0)->last_advert, noon + 2s);
}

// ---- for other instances

std::vector<InstanceOptions> three_instances() {
    auto options = two_instances();
    options[0].addresses.resize(1);
    options[0].advert_interval = 200ms;
    options.push_back(options[0]);
    options[2].virtual_router_id = 53;
    return options;
}

TEST_F(RuntimeRecord, IsMadeAnewWithAllThatIsHeldAndAboutToBe) {
    Record record(path(), two_instances());
    record.hold(0, addresses({"10.0.0.1", "10.0.0.2"}), noon);
    record.advert_left(0, 250, noon + 1s);
    record.hold(1, addresses({"10.0.0.9"}), noon);
    record.advert_left(1, 100, noon + 2s);
    const auto old = RecordReader::open(path());
    int told = -1;
    record.on_renewed([&](int descriptor) {
        told = descriptor;
        EXPECT_TRUE(old->held(0)) << "not before its reader knows the new one";
        EXPECT_TRUE(RecordReader::open(path())->held(0));
    });
    record.renew(three_instances(), std::vector{addresses({"10.0.0.3"}), {}, addresses({"10.0.0.2"})}, noon + 3s);
    EXPECT_EQ(told, record.descriptor());
    EXPECT_FALSE(old->held(0)) << "whoever still reads it must not act on it";
    const auto reader = RecordReader::open(path());
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->size(), 3u);
    EXPECT_EQ(reader->held(0)->addresses, addresses({"10.0.0.3", "10.0.0.1", "10.0.0.2"}));
    EXPECT_EQ(reader->held(0)->priority, 250);
    EXPECT_EQ(reader->held(0)->last_advert, noon + 3s) << "its interval is shorter now";
    EXPECT_EQ(reader->held(1)->last_advert, noon + 2s);
    EXPECT_EQ(reader->held(2)->addresses, addresses({"10.0.0.2"}));
    EXPECT_EQ(reader->advert_interval(2), 200ms);
    record.hold(0, addresses({"10.0.0.3"}), noon + 4s);
    EXPECT_EQ(reader->held(0)->addresses, addresses({"10.0.0.3"}));
    EXPECT_FALSE(fs::exists(path() + ".new"));
}

TEST_F(RuntimeRecord, IsNotFoundWhereTheNewOneCouldNotTakeItsPlace) {
    Record record(path(), two_instances());
    record.hold(0, addresses({"10.0.0.1"}), noon);
    fs::create_directory(path() + ".new");
    record.renew(three_instances(), std::vector<Addresses>(3), noon + 1s);
    EXPECT_NE(record.problem(), "");
    EXPECT_FALSE(RecordReader::open(path())) << "it says no longer what is held";
}

TEST_F(RuntimeRecord, ANewOneLeavesTheOldOneToItsReader) {
    Record before(path(), two_instances());
    before.hold(0, addresses({"10.0.0.1"}), noon);
    const auto reader = RecordReader::open(path());
    const Record after(path(), two_instances());
    EXPECT_TRUE(reader->held(0));
    EXPECT_FALSE(RecordReader::open(path())->held(0));
}

TEST_F(RuntimeRecord, WithoutAPlaceForItIsForTheGuardAlone) {
    Record record("/proc/none/state", two_instances());
    EXPECT_NE(record.problem().find("no runtime record /proc/none/state: "), std::string::npos) << record.problem();
    record.hold(1, addresses({"10.0.0.9"}), noon);
    const Descriptor copy(dup(record.descriptor()));
    EXPECT_TRUE(RecordReader::read(copy)->held(1));
}

TEST_F(RuntimeRecord, OnlyAFileOfOursAloneIsBelieved) {
    Record record(path(), two_instances());
    EXPECT_TRUE(RecordReader::open(path()));
    chmod(path().c_str(), 0640);
    EXPECT_FALSE(RecordReader::open(path())) << "others may read it";
    chmod(path().c_str(), 0600);
    fs::create_hard_link(path(), folder_ / "second");
    EXPECT_FALSE(RecordReader::open(path())) << "two links";
    fs::remove(folder_ / "second");
    EXPECT_TRUE(RecordReader::open(path()));
    fs::rename(path(), folder_ / "elsewhere");
    fs::create_symlink(folder_ / "elsewhere", path());
    EXPECT_FALSE(RecordReader::open(path())) << "a symbolic link";
    fs::remove(path());
    EXPECT_FALSE(RecordReader::open(path()));
    ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
    EXPECT_FALSE(RecordReader::open(path())) << "a pipe";
    if (geteuid() != 0) return;
    fs::remove(path());
    fs::rename(folder_ / "elsewhere", path());
    ASSERT_EQ(chown(path().c_str(), 65534, 65534), 0);
    EXPECT_FALSE(RecordReader::open(path())) << "somebody else's";
}

TEST_F(RuntimeRecord, OfAnotherVersionBootOrLengthIsNone) {
    { Record record(path(), two_instances()); }
    const std::string good = bytes();
    const auto is_believed = [&](std::string bytes) {
        write(bytes);
        return RecordReader::open(path()).has_value();
    };
    EXPECT_TRUE(is_believed(good));
    for (const std::size_t position : {0u, 6u, 8u, 20u, 43u}) {  // version, boot
        std::string other = good;
        other[position] = static_cast<char>(other[position] ^ 1);
        EXPECT_FALSE(is_believed(other)) << position;
    }
    for (std::size_t length = 0; length < good.size(); length += 7) EXPECT_FALSE(is_believed(good.substr(0, length)));
    EXPECT_FALSE(is_believed(good + "x"));
}

// Without /proc/sys there is no number of the boot to be had; the guard needs none.
TEST_F(RuntimeRecord, WhatTheDaemonHandsOverIsOfThisBootWhateverItSays) {
    Record record(path(), two_instances());
    record.hold(1, addresses({"10.0.0.9"}), noon);
    const Descriptor copy(dup(record.descriptor()));
    const std::string none(36, '\0');
    ASSERT_EQ(pwrite(copy.get(), none.data(), none.size(), 8), 36);
    EXPECT_FALSE(RecordReader::open(path()));
    const auto reader = RecordReader::read(copy);
    ASSERT_TRUE(reader);
    EXPECT_TRUE(reader->held(1));
    // Two reloads in a row: the guard comes to the first one's record when it has been replaced.
    record.renew(two_instances(), std::vector<Addresses>{{}, addresses({"10.0.0.9"})}, noon);
    const auto late = RecordReader::read(copy);
    ASSERT_TRUE(late);
    EXPECT_FALSE(late->held(1));
}

// Whatever stands there, nothing beyond the file is read, and what comes back can be used.
TEST_F(RuntimeRecord, AnyBytesAreReadWithinBounds) {
    {
        Record record(path(), two_instances());
        record.hold(0, addresses({"10.0.0.1", "10.0.0.2"}), noon);
        record.hold(1, addresses({"10.0.0.9"}), noon);
    }
    const std::string good = bytes();
    std::mt19937 random(1);
    int believed = 0;
    for (int run = 0; run < 3000; ++run) {
        std::string other = good;
        for (int i = 0; i < 3; ++i) other[44 + random() % (other.size() - 44)] = static_cast<char>(random());
        write(other);
        const auto reader = RecordReader::open(path());
        if (!reader) continue;
        for (std::size_t i = 0; i < reader->size(); ++i) {
            const auto held = reader->held(i);
            if (!held) continue;
            ++believed;
            EXPECT_GE(held->advert_interval, 10ms);
            EXPECT_LE(held->priority, 255);
            for (const auto& address : held->addresses) {
                EXPECT_NE(address.link, 0);
                EXPECT_LE(address.prefix.length, address.prefix.address.bits());
            }
        }
    }
    EXPECT_GT(believed, 1000);
}

}  // namespace
}  // namespace vrrpd::guard_record_test
