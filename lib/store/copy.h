#pragma once
// Messages from one mailbox to another where nothing better is possible than to write their bytes again.

#include "lib/store/mailbox.h"
#include "lib/store/surroundings.h"

namespace store {

[[nodiscard]] Result<CopiedUids> copy_bytes(Mailbox& source, std::span<const Uid> uids, Mailbox& target, const Surroundings& around);
// Flags of `source` as bits of `target`, which learns the keywords it does not know.
[[nodiscard]] Result<std::vector<Flags>> translate_flags(const Mailbox& source, std::span<const Uid> uids, Mailbox& target);

}  // namespace store
