#include "imapd/search_answer.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "imapd/commands.h"
#include "imapd/progress.h"
#include "imapd/search_updates.h"
#include "imapd/searcher.h"
#include "lib/imap/response_writer.h"

namespace imapd {
namespace {

// Of messages, or UIDs; in the order of the answer.
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

// RFC 9394: 1:500 from the beginning, -1:-500 from the end.
std::span<const std::uint32_t> part_of(std::span<const std::uint32_t> numbers, const imap::SearchReturn::Partial& partial) {
  const auto size = static_cast<std::int64_t>(numbers.size());
  const std::int64_t low = std::min(std::abs(partial.first), std::abs(partial.last)) - 1;
  const std::int64_t high = std::min(std::max(std::abs(partial.first), std::abs(partial.last)), size);
  if (low >= high) return {};
  const auto first = partial.first < 0 ? size - high : low;
  return numbers.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(high - low));
}

// RFC 5182 section 2.1: SAVE alone has no answer.
bool is_silent(const imap::SearchReturn& returned) {
  return returned.save && !returned.min && !returned.max && !returned.all && !returned.count && !returned.partial && !returned.update &&
         !returned.relevancy;
}

void tell(Session& session, const SearchTask& task, bool has_modseq, const std::vector<store::Uid>& uids) {
  const imap::SearchReturn& returned = task.returned;
  const std::vector<std::uint32_t> numbers = numbers_of(*session.view(), uids, session.numbering());
  const std::uint64_t modseq = has_modseq ? highest_modseq(*session.view(), uids) : 0;
  std::string out;
  // In IMAP4rev2 SEARCH is answered by ESEARCH always; of SORT it says nothing.
  if (!returned.is_given && (!session.features().rev2 || task.order)) {
    imap::append_search(out, task.name, numbers, modseq);
    session.write(out);
    return;
  }
  if (is_silent(returned)) return;
  imap::EsearchWriter writer(out, session.command().tag, session.numbering());
  const std::span<const std::uint32_t> part = returned.partial ? part_of(numbers, *returned.partial) : numbers;
  if (returned.min && !numbers.empty()) writer.number("MIN", numbers.front());
  if (returned.max && !numbers.empty()) writer.number("MAX", numbers.back());
  if ((returned.all || !returned.is_given) && !numbers.empty()) writer.set("ALL", imap::ordered_text(numbers));
  if (returned.relevancy) writer.relevancy(part.size());
  if (returned.partial) writer.partial(fmt::format("{}:{}", returned.partial->first, returned.partial->last), imap::ordered_text(part));
  if (returned.count) writer.number("COUNT", numbers.size());
  if (modseq > 0 && !numbers.empty()) writer.number("MODSEQ", modseq);
  writer.close();
  session.write(out);
}

// RFC 5182: what $ means from now on. With MIN or MAX alone only these.
imap::NumberSet saved_of(const imap::SearchReturn& returned, std::vector<store::Uid> uids) {
  const bool is_of_ends = !uids.empty() && !returned.all && !returned.count && (returned.min || returned.max);
  if (is_of_ends) uids = {returned.min ? uids.front() : uids.back(), returned.max ? uids.back() : uids.front()};
  std::ranges::sort(uids);
  imap::NumberSet set;
  for (const store::Uid uid : uids) set.add(uid);
  return set;
}

// RFC 5267 section 4.3.
void keep(Session& session, Searcher searcher, const std::vector<store::Uid>& uids) {
  SearchUpdates& updates = session.view()->search_updates();
  const std::string& tag = session.command().tag;
  if (!updates.is_full()) return updates.add(tag, session.numbering(), std::move(searcher), uids);
  std::string out;
  imap::append_status(out, "*", imap::Status::no, fmt::format("NOUPDATE \"{}\"", tag), "Too many searches are kept up to date");
  session.write(out);
}

}  // namespace

std::optional<Reply> answer_search(Session& session, SearchTask task) {
  View& view = *session.view();
  if (task.returned.update && view.search_updates().has(session.command().tag)) return bad_arguments(session, "Duplicate search update tag");
  auto searcher = Searcher::make(session, std::move(task.program), task.charset);
  if (!searcher) {
    if (task.returned.save) view.save({});
    return no("Unknown charset", "BADCHARSET");
  }
  Progress progress(session, "Processed", view.exists(), 1 + task.order_steps);
  std::vector<store::Uid> uids = searcher->run(progress);
  if (task.order) task.order(uids, progress);
  if (task.returned.save) view.save(saved_of(task.returned, uids));
  const bool has_modseq = searcher->program().uses(imap::SearchKey::modseq);
  if (task.returned.update) keep(session, std::move(*searcher), uids);
  tell(session, task, has_modseq, uids);
  return std::nullopt;
}

}  // namespace imapd
