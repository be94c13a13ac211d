#include <algorithm>
#include <chrono>

#include "imapd/commands.h"
#include "imapd/kept_texts.h"
#include "imapd/progress.h"
#include "imapd/searcher.h"
#include "imapd/session.h"
#include "lib/event/loop.h"
#include "lib/imap/search_arguments.h"
#include "lib/message/sort_keys.h"
#include "lib/message/thread.h"

namespace imapd {
namespace {

// Of one identifier; what is behind is not compared.
constexpr std::size_t identifier_size_max = 1000;
// Of all references of one THREAD. Then only the nearest of each message is looked at.
constexpr std::size_t references_size_max = 64 * 1024 * 1024;

message::ThreadAlgorithm algorithm_of(imap::ThreadAlgorithm wanted) {
  switch (wanted) {
    case imap::ThreadAlgorithm::ordered_subject: return message::ThreadAlgorithm::orderedsubject;
    case imap::ThreadAlgorithm::references: return message::ThreadAlgorithm::references;
    case imap::ThreadAlgorithm::refs: return message::ThreadAlgorithm::refs;
  }
  return message::ThreadAlgorithm::references;
}

// Memory must not depend on what senders write.
void limit(message::ThreadMessage& message, std::size_t& references_size) {
  const auto cut = [](std::string& text, std::size_t most) { text.resize(std::min(text.size(), most)); };
  cut(message.message_id, identifier_size_max);
  cut(message.base_subject, message::sort_key_size_max);
  if (references_size > references_size_max && message.references.size() > 1) {
    message.references.erase(message.references.begin(), message.references.end() - 1);
  }
  for (std::string& reference : message.references) {
    cut(reference, identifier_size_max);
    references_size += reference.size() + sizeof reference;
  }
}

}  // namespace

// THREAD and UID THREAD (RFC 5256; REFS).
Reply thread(Session& session, imap::Values arguments) {
  auto wanted = imap::ThreadArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  auto searcher = Searcher::make(session, std::move(wanted->program), wanted->charset);
  if (!searcher) return no("Unknown charset", "BADCHARSET");
  store::Mailbox& mailbox = session.view()->mailbox();
  std::vector<message::ThreadMessage> messages;
  std::size_t references_size = 0;
  Progress progress(session, "Processed", session.view()->exists(), 2);
  const std::vector<store::Uid> found = searcher->run(progress);
  progress.next_step(found.size());
  for (const store::Uid uid : found) {
    const std::string fields = kept_sort_fields(mailbox, uid).value_or(std::string());
    const auto facts = mailbox.facts(uid);
    const auto arrived = facts ? std::chrono::floor<std::chrono::seconds>(facts->internal_date) : std::chrono::sys_seconds();
    const std::uint32_t number = session.numbering() == imap::Numbering::uid ? uid : session.view()->number_of(uid);
    messages.push_back(message::thread_message(number, fields, arrived));
    limit(messages.back(), references_size);
    event::breathe();
    progress.went(messages.size());
    if (session.is_lost()) break;
  }
  std::string out = "* THREAD";
  if (!messages.empty()) {
    out += ' ';
    message::append_threads(out, message::make_threads(messages, algorithm_of(wanted->algorithm)));
  }
  session.write(out + "\r\n");
  return ok("Thread completed.");
}

}  // namespace imapd
