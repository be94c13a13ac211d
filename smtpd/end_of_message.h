#pragma once
// What becomes of a message when all of it has come: the same for DATA and for the last BDAT.

#include <cstddef>
#include <optional>

#include "smtpd/reply.h"

namespace smtpd {

class Session;

enum class ContentVerdict { good, too_big, bare_newline };

// The first thing that is wrong with the content so far; logs what a refused bare newline deserves.
[[nodiscard]] ContentVerdict judge_content(Session& s, std::size_t size, bool has_bare_newline, std::size_t size_limit);

// What the client is told of content that is not good.
[[nodiscard]] Reply refusal_of(const Session& s, ContentVerdict content);

// Hands the message to cleanup and ends the transaction, whatever the answer. This is where 250 is said: only after
// cleanup has said that the message and its name are on disk. `chunk_bytes`: the message came by BDAT.
[[nodiscard]] Reply end_message(Session& s, ContentVerdict content, std::optional<std::size_t> chunk_bytes);

}  // namespace smtpd
