// BDAT (RFC 3030 section 2): a chunk of the message, of as many bytes as announced. Its bytes follow the command
// whatever the reply will be, so they are always read; a chunk whose size is not known ends the connection.

#include <algorithm>

#include <fmt/format.h>

#include "lib/log/log.h"
#include "smtpd/content.h"
#include "smtpd/end_of_message.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

constexpr std::size_t read_size = io::Stream::input_size;
// A refused chunk of this many times message_size_limit is not read.
constexpr std::size_t excessive_chunk = 2;

// Reads the chunk and gives each part to `take`. False: the client is gone.
template <class Take>
bool read_chunk(Session& s, std::size_t size, Take&& take) {
  const Deadline started = s.server().clock().now();
  std::size_t done = 0;
  while (done < size) {
    const io::Stream::Bytes bytes = s.stream().read_some(std::min(size - done, read_size), s.content_deadline(started, done));
    if (bytes.end != io::End::ok) {
      s.lost(bytes.end, done);
      return false;
    }
    done += bytes.data.size();
    take(bytes.data);
  }
  return true;
}

// Reads what is refused, answers, and leaves nothing of the message behind. After the last chunk the transaction is
// over; before it the client is still sending, and hears the same of each further chunk.
std::optional<Reply> refuse_chunk(Session& s, const ChunkArgument& chunk, Reply reply) {
  if (!read_chunk(s, chunk.size, [](std::string_view) {})) return std::nullopt;
  if (chunk.is_last) s.reset();
  else if (s.find_transaction() == nullptr) s.enter(Phase::chunks_failed_idle);
  else s.enter(Phase::chunks_failed);
  return reply;
}

bool is_excessive(const Session& s, const ChunkArgument& chunk) {
  const auto limit = static_cast<std::size_t>(s.params().message_size_limit);
  return limit > 0 && chunk.size / excessive_chunk >= limit;
}

Reply discarded(std::size_t size) { return {551, fmt::format("5.0.0 Discarded {} bytes after earlier error", size)}; }

// Why the chunk cannot be taken, looking at the command alone.
std::optional<Reply> objection(Session& s, const ChunkArgument& chunk) {
  switch (s.phase()) {
    case Phase::chunks_failed:
    case Phase::chunks_failed_idle: return discarded(chunk.size);
    case Phase::idle: return Reply(503, "5.5.1 Error: need RCPT command");
    case Phase::mail: return Reply(554, "5.5.1 Error: no valid recipients");
    case Phase::rcpt:
    case Phase::chunks: break;
  }
  if (chunk.size == 0 && !chunk.is_last) {
    maillog::warning("{}: null BDAT request from {}", s.log_id(), s.client().name_and_address);
    return Reply(551, "5.7.1 Null BDAT request");
  }
  const auto limit = static_cast<std::size_t>(s.params().message_size_limit);
  const std::size_t so_far = s.phase() == Phase::chunks ? s.transaction().chunks().size_of_lines() : 0;
  if (limit > 0 && (chunk.size > limit || so_far > limit - chunk.size)) {
    maillog::warning("{}: BDAT request from {} exceeds message size limit", s.log_id(), s.client().name_and_address);
    return Reply(552, "5.3.4 Chunk exceeds message size limit");
  }
  if (s.phase() == Phase::rcpt) {
    const policy::Verdict verdict = s.policy().ask(policy::Stage::data, s.subject(s.transaction().only_recipient()), s.asker());
    if (verdict.refuses()) return s.refuse(verdict.reply());
    if (auto refusal = s.milters().data()) return refusal;
    return s.transaction().pass_on("DATA", Wanted::go_on);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Reply> bdat(Session& s, const Command& command) {
  if (has(s.discarded(), Ehlo::chunking)) {
    // The client was not told of this command; what follows the line is not known to be commands.
    return Reply(521, "5.5.1 Error: command not implemented", Reply::Then::close);
  }
  const auto chunk = ChunkArgument::parse(command);
  if (!chunk) {
    maillog::warning("{}: malformed BDAT command syntax from {}: {}", s.log_id(), s.client().name_and_address, command.line);
    return Reply(521, "5.5.4 Syntax: BDAT count [LAST]", Reply::Then::close);
  }
  if (auto reply = objection(s, *chunk)) {
    if (!is_excessive(s, *chunk)) return refuse_chunk(s, *chunk, std::move(*reply));
    // Not even read: so much that the client would send it for nothing.
    maillog::warning("{}: too much BDAT content -- disabling further input from {}", s.log_id(), s.client().name_and_address);
    if (s.send(*reply)) static_cast<void>(s.stream().flush(s.deadline()));
    s.reset();
    s.lost(io::End::eof, std::nullopt);
    return std::nullopt;
  }

  Transaction& message = s.transaction();
  if (s.phase() == Phase::rcpt) {
    message.begin_content(s.received_header());
    s.enter(Phase::chunks);
  }
  ChunkDecoder& decoder = message.chunks();
  if (!read_chunk(s, chunk->size, [&](std::string_view bytes) { decoder.feed(bytes); })) return std::nullopt;
  if (chunk->is_last) decoder.finish();
  if (chunk->is_last) s.set_where(end_of_message);
  const ContentVerdict verdict = judge_content(s, decoder.size_of_lines(), decoder.has_bare_newline(),
                                               static_cast<std::size_t>(s.params().message_size_limit));
  if (chunk->is_last) return end_message(s, verdict, decoder.size());
  if (verdict == ContentVerdict::good) return Reply(250, fmt::format("2.0.0 Ok: {} bytes", chunk->size));
  message.refuse_content();
  s.enter(Phase::chunks_failed);
  return refusal_of(s, verdict);
}

}  // namespace smtpd
