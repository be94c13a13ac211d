#pragma once
// The two protocols that the client speaks: SMTP (RFC 5321), and LMTP (RFC 2033), in which a mailbox server answers for each
// recipient on his own.

namespace smtp {

enum class Protocol { smtp, lmtp };

}  // namespace smtp
