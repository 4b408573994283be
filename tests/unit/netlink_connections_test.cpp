#include <array>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "netlink/connection_closer.hpp"
#include "tests/unit/netlink_kernel.hpp"

namespace vrrpd::netlink::netlink_connections_test {
namespace {

/// A connection over the loopback device, and the socket that took it.
class NetlinkConnections : public NetlinkKernel {
  protected:
    void SetUp() override {
        NetlinkKernel::SetUp();
        if (!IsSkipped()) shell("ip addr add 10.0.0.2/32 dev lo && ip -6 addr add 2001:db8::2/128 dev lo");
    }

    static Descriptor listener(int family) {
        Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in6 any{};
        any.sin6_family = static_cast<sa_family_t>(family);
        EXPECT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&any), length(family)), 0);
        EXPECT_EQ(listen(socket.get(), 8), 0);
        return socket;
    }
    static socklen_t length(int family) { return family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6); }

    struct Connection {
        Descriptor client, server;
        /// What the client reads: 0 or an errno value; EAGAIN: nothing has happened.
        int error() const {
            char byte;
            return recv(client.get(), &byte, 1, MSG_DONTWAIT) < 0 ? errno : 0;
        }
    };
    static Connection connect_to(const char* address, const Descriptor& listener) {
        sockaddr_in6 bound{};
        socklen_t size = sizeof bound;
        getsockname(listener.get(), reinterpret_cast<sockaddr*>(&bound), &size);
        const in_port_t port = bound.sin6_port;  // of either family it is in the same place
        sockaddr_in v4{};
        sockaddr_in6 v6{};
        v4.sin_family = AF_INET, v6.sin6_family = AF_INET6;
        v4.sin_port = v6.sin6_port = port;
        const bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
        if (!is_v4) {
            EXPECT_EQ(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
        }
        const int family = is_v4 ? AF_INET : AF_INET6;
        Connection made;
        made.client = Descriptor(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        // Not from the address itself, as the kernel would choose: the client is somebody else.
        sockaddr_in own_v4{};
        sockaddr_in6 own_v6{};
        own_v4.sin_family = AF_INET, own_v6.sin6_family = AF_INET6;
        own_v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK), own_v6.sin6_addr = in6addr_loopback;
        const auto of_family = [&](auto& of_v4, auto& of_v6) {
            return is_v4 ? reinterpret_cast<const sockaddr*>(&of_v4) : reinterpret_cast<const sockaddr*>(&of_v6);
        };
        EXPECT_EQ(bind(made.client.get(), of_family(own_v4, own_v6), length(family)), 0);
        EXPECT_EQ(connect(made.client.get(), of_family(v4, v6), length(family)), 0) << address;
        made.server = Descriptor(accept(listener.get(), nullptr, nullptr));
        EXPECT_TRUE(made.server);
        return made;
    }
    static IpAddress ip(const char* text) { return *IpAddress::parse(text); }
};

TEST_F(NetlinkConnections, ThoseOfTheAddressEndAtOnceAndNoOthers) {
    const Descriptor server = listener(AF_INET);
    const Connection moved = connect_to("10.0.0.2", server), other = connect_to("10.0.0.1", server);
    EXPECT_GE(close_connections(std::vector{ip("10.0.0.2"), ip("10.9.9.9")}), 1u);
    EXPECT_EQ(moved.error(), ECONNRESET);
    EXPECT_EQ(other.error(), EAGAIN);
    EXPECT_EQ(connect_to("10.0.0.2", server).error(), EAGAIN) << "who listens goes on";
}

TEST_F(NetlinkConnections, OfIpv6AndOfIpv4ThroughASocketOfIpv6) {
    const Descriptor server = listener(AF_INET6);
    const Connection mapped = connect_to("10.0.0.2", server), native = connect_to("2001:db8::2", server);
    EXPECT_GE(close_connections(std::vector{ip("10.0.0.2")}), 1u);
    EXPECT_EQ(mapped.error(), ECONNRESET);
    EXPECT_EQ(native.error(), EAGAIN);
    EXPECT_GE(close_connections(std::vector{ip("2001:db8::2")}), 1u);
    EXPECT_EQ(native.error(), ECONNRESET);
}

TEST_F(NetlinkConnections, HundredsAtOnceAndNoneAreBothAnswered) {
    const Descriptor server = listener(AF_INET);
    std::vector<Connection> connections;
    for (int i = 0; i < 400; ++i) connections.push_back(connect_to("10.0.0.2", server));
    EXPECT_GE(close_connections(std::vector{ip("10.0.0.2")}), 400u);
    for (const Connection& each : connections) EXPECT_EQ(each.error(), ECONNRESET);
    EXPECT_EQ(close_connections(std::vector{ip("10.0.0.2")}), 0u);
    EXPECT_EQ(close_connections({}), 0u);
}

/// The capabilities of this thread without NET_ADMIN, for as long as it lives.
class WithoutCapability {
  public:
    WithoutCapability() { set(false); }
    ~WithoutCapability() { set(true); }

  private:
    static void set(bool present) {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
        ASSERT_EQ(syscall(SYS_capget, &header, sets.data()), 0);
        const auto bit = std::uint32_t{1} << CAP_NET_ADMIN;
        if (present)
            sets[0].effective |= bit;
        else
            sets[0].effective &= ~bit;
        ASSERT_EQ(syscall(SYS_capset, &header, sets.data()), 0);
    }
};

TEST_F(NetlinkConnections, WithoutTheCapabilityItSaysSoAndGoesOn) {
    const Descriptor server = listener(AF_INET);
    const Connection one = connect_to("10.0.0.2", server);
    std::vector<int> errors;
    ConnectionCloser closer(loop_, [&](int error) { errors.push_back(error); });
    bool told = false;
    const WithoutCapability without;
    run({{[&] { closer.close({ip("10.0.0.2")}, [&] { told = true; }); }, [&] { return told; }}});
    EXPECT_EQ(errors, std::vector{EPERM});
    EXPECT_EQ(why_not_closed(EPERM), "the capability NET_ADMIN is missing");
    EXPECT_EQ(one.error(), EAGAIN);
}

TEST_F(NetlinkConnections, WithoutADescriptorToSpareItSaysSoAndGoesOn) {
    std::vector<int> errors;
    ConnectionCloser closer(loop_, [&](int error) { errors.push_back(error); });
    bool told = false;
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{static_cast<rlim_t>(next_descriptor()), before.rlim_max};
    run({{[&] {
              setrlimit(RLIMIT_NOFILE, &none);
              closer.close({ip("10.0.0.2")}, [&] { told = true; });
          },
          [&] { return told; }}});
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(errors.size(), 1u);
}

TEST_F(NetlinkConnections, TheLoopIsTold) {
    const Descriptor server = listener(AF_INET);
    const Connection one = connect_to("10.0.0.2", server), two = connect_to("10.0.0.1", server);
    ConnectionCloser closer(loop_, [](int error) { FAIL() << error; });
    int told = 0;
    run({{[&] {
              closer.close({ip("10.0.0.2")}, [&] { ++told; });
              closer.close({ip("10.0.0.1")}, [&] { ++told; });
              EXPECT_EQ(told, 0) << "never from within the call";
          },
          [&] { return told == 2; }},
         {[&] { closer.close({}, [&] { ++told; }); }, [&] { return told == 3; }}});
    EXPECT_EQ(one.error(), ECONNRESET);
    EXPECT_EQ(two.error(), ECONNRESET);
}

}  // namespace
}  // namespace vrrpd::netlink::netlink_connections_test
