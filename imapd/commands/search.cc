#include <algorithm>

#include <fmt/format.h>

#include "imapd/commands.h"
#include "imapd/searcher.h"
#include "imapd/session.h"
#include "lib/imap/search_arguments.h"

namespace imapd {
namespace {

// The answer's numbers: of messages, or UIDs; in ascending order.
std::vector<std::uint32_t> numbers_of(const View& view, const std::vector<store::Uid>& uids, imap::Numbering numbering) {
  if (numbering == imap::Numbering::uid) return uids;
  std::vector<std::uint32_t> out;
  out.reserve(uids.size());
  for (const store::Uid uid : uids) out.push_back(view.number_of(uid));
  return out;
}

// The largest mod-sequence among those found (RFC 7162 section 3.1.5).
std::uint64_t highest_modseq(View& view, const std::vector<store::Uid>& uids) {
  std::uint64_t highest = 0;
  for (const store::Uid uid : uids) {
    if (const store::Entry* const entry = view.mailbox().find(uid)) highest = std::max(highest, entry->modseq);
  }
  return highest;
}

imap::NumberSet set_of(std::span<const std::uint32_t> numbers) {
  imap::NumberSet set;
  for (const std::uint32_t number : numbers) set.add(number);
  return set;
}

// RFC 9394: 1:500 from the beginning, -1:-500 from the end.
std::string partial_set(std::span<const std::uint32_t> numbers, const imap::SearchReturn::Partial& partial) {
  const auto size = static_cast<std::int64_t>(numbers.size());
  const std::int64_t low = std::min(std::abs(partial.first), std::abs(partial.last)) - 1;
  const std::int64_t high = std::min(std::max(std::abs(partial.first), std::abs(partial.last)), size);
  if (low >= high) return {};
  const auto first = partial.first < 0 ? size - high : low;
  return set_of(numbers.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(high - low))).text();
}

void tell(Session& session, const imap::SearchArguments& wanted, const std::vector<store::Uid>& uids) {
  const std::vector<std::uint32_t> numbers = numbers_of(*session.view(), uids, session.numbering());
  const std::uint64_t modseq = wanted.program.uses(imap::SearchKey::modseq) ? highest_modseq(*session.view(), uids) : 0;
  std::string out;
  const imap::SearchReturn& returned = wanted.returned;
  if (!returned.is_given && !session.features().rev2) {
    imap::append_search(out, "SEARCH", numbers, modseq);
    session.write(out);
    return;
  }
  // RFC 5182 section 2.1: SAVE alone has no answer.
  const bool is_silent = returned.save && !returned.min && !returned.max && !returned.all && !returned.count && !returned.partial;
  if (is_silent) return;
  imap::EsearchWriter writer(out, session.command().tag, session.numbering());
  if (returned.min && !numbers.empty()) writer.number("MIN", numbers.front());
  if (returned.max && !numbers.empty()) writer.number("MAX", numbers.back());
  if ((returned.all || !returned.is_given) && !numbers.empty()) writer.set("ALL", set_of(numbers).text());
  if (returned.count) writer.number("COUNT", numbers.size());
  if (returned.partial) writer.partial(fmt::format("{}:{}", returned.partial->first, returned.partial->last), partial_set(numbers, *returned.partial));
  if (modseq > 0 && !numbers.empty()) writer.number("MODSEQ", modseq);
  writer.close();
  session.write(out);
}

// RFC 5182: what $ means from now on. With MIN or MAX alone only these.
imap::NumberSet saved_of(const imap::SearchReturn& returned, const std::vector<store::Uid>& uids) {
  if (uids.empty() || returned.all || returned.count || (!returned.min && !returned.max)) return set_of(uids);
  imap::NumberSet set;
  if (returned.min) set.add(uids.front());
  if (returned.max) set.add(uids.back());
  return set;
}

}  // namespace

// SEARCH and UID SEARCH (RFC 9051 section 6.4.4; ESEARCH, SEARCHRES, WITHIN, MODSEQ, PARTIAL).
Reply search(Session& session, imap::Values arguments) {
  const auto wanted = imap::SearchArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  auto searcher = Searcher::make(session, wanted->program, wanted->charset);
  if (!searcher) {
    if (wanted->returned.save) session.view()->save({});
    return no("Unknown charset", "BADCHARSET");
  }
  const std::vector<store::Uid> uids = searcher->run();
  if (wanted->returned.save) session.view()->save(saved_of(wanted->returned, uids));
  tell(session, *wanted, uids);
  return ok("Search completed.");
}

}  // namespace imapd
