#pragma once
// What master and its children say to each other. A child is started with
//
//   descriptor 3   a SOCK_SEQPACKET socket to master: single characters, both ways
//   descriptor 4.. the service's listening sockets
//   arguments      -n service -t type -s sockets [-u] [-c] -p maxproc -l share [-o name=value]... [-v]...
//
// End of file on descriptor 3 means that master is gone: the child takes no new clients and ends with its last one.

namespace server {

inline constexpr int control_fd = 3;
inline constexpr int first_listener_fd = 4;

// From the child.
enum class ChildSays : char {
  available = 'A',  // accepts clients
  full = 'F',       // serves its share of maxproc; accepts no more for now
  leaving = 'L',    // accepts no more for good: idle for long, or a file that it started from has changed
};

// From master.
enum class MasterSays : char {
  drain = 'D',      // accept no more, end with the last client (reload)
  stress = 'S',     // the service is at its limit
  calm = 'C',       // no longer
  stay = 'Y',       // the SIGTERM that comes is for those who ask this service: go on until "drain" (postfix stop)
};

}  // namespace server
