// TCP ports for programs that cannot be told to listen on port 0.
#ifndef SLUICE_TESTS_SUPPORT_FREE_PORT_H_
#define SLUICE_TESTS_SUPPORT_FREE_PORT_H_

#include <string>

namespace sluice::testing {

// The first of `count` neighbouring ports that nobody listens on, on any address, and that no other
// test will be given while this process lives. They lie below the ports that the kernel hands out
// for connect() (/proc/sys/net/ipv4/ip_local_port_range, from 32768 on), so none can take them
// either. Aborts the test if there are none.
int FreePort(int count = 1);

// "127.0.0.1:PORT" with such a port. Until somebody listens there, connections to it are refused.
std::string FreeAddress();

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_FREE_PORT_H_
