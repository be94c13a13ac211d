#pragma once
// The client's host name: what the hosts file or DNS says for his address, believed only when that name leads back to
// the address.

#include <memory>
#include <string>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/io/socket.h"

namespace server {

struct PeerName {
  std::string name = "unknown";          // confirmed, or "unknown"
  std::string reverse_name = "unknown";  // not confirmed, or "unknown"
  bool name_may_come = false, reverse_name_may_come = false;   // unknown only because nobody could say
};

class PeerNames {
 public:
  PeerNames() = default;
  PeerNames(const PeerNames&) = delete;
  PeerNames& operator=(const PeerNames&) = delete;
  virtual ~PeerNames() = default;
  // Parks. A name that does not lead back is logged here.
  [[nodiscard]] virtual PeerName look_up(const io::Address& address) = 0;
};

// By the hosts file, then the DNS, with recent answers kept for a moment: a client that comes again and again is not
// looked up each time.
[[nodiscard]] Result<std::unique_ptr<PeerNames>> make_peer_names(const base::Clock& clock);

}  // namespace server
