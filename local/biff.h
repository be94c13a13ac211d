#pragma once
// The comsat service (biff), which tells users of new mail on their terminals: it is sent a datagram for each message.

#include <cstdint>
#include <string_view>

namespace local {

// "user@offset": where in his mailbox the new message begins. Nobody need listen; what goes wrong does not matter.
void tell_comsat(std::string_view user, std::int64_t offset);

}  // namespace local
