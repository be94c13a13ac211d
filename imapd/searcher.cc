#include "imapd/searcher.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "imapd/kept_texts.h"
#include "imapd/progress.h"
#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/imap/date_time.h"
#include "lib/message/charset.h"
#include "lib/message/fields.h"
#include "lib/message/sent_date.h"
#include "lib/message/sort_keys.h"

namespace imapd {
namespace {

using Key = imap::SearchKey;
using imap::Truth;

Truth truth(bool value) { return value ? Truth::yes : Truth::no; }

std::uint8_t system_flag(Key key) {
  switch (key) {
    case Key::answered: return store::flag::answered;
    case Key::deleted: return store::flag::deleted;
    case Key::draft: return store::flag::draft;
    case Key::flagged: return store::flag::flagged;
    case Key::seen: return store::flag::seen;
    case Key::recent: return store::flag::recent;
    default: return 0;   // no flag
  }
}

bool is_text_key(Key key) { return key == Key::header || key == Key::body || key == Key::text; }

// The day in the zone of the server, which is what a date of SEARCH without a zone means.
std::chrono::sys_days local_day(Stamp stamp) {
  const imap::DateTime local = imap::local_date_time(stamp);
  return std::chrono::floor<std::chrono::days>(local.time + local.zone);
}

bool compare_day(Key key, std::chrono::sys_days day, std::chrono::sys_days wanted) {
  switch (key) {
    case Key::before:
    case Key::sent_before:
    case Key::saved_before: return day < wanted;
    case Key::on:
    case Key::sent_on:
    case Key::saved_on: return day == wanted;
    default: return day >= wanted;   // since
  }
}

}  // namespace

std::optional<Searcher> Searcher::make(Session& session, imap::SearchProgram program, std::string_view charset) {
  Searcher searcher(session, std::move(program));
  const std::vector<imap::SearchNode>& nodes = searcher.program_.nodes;
  searcher.leaves_.resize(nodes.size());
  const std::string_view known_charset = charset.empty() ? "UTF-8" : charset;
  if (!message::to_utf8(known_charset, {})) return std::nullopt;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const imap::SearchNode& node = nodes[i];
    if (!is_text_key(node.key)) continue;
    const auto text = message::to_utf8(known_charset, node.text);
    if (!text) return std::nullopt;
    searcher.leaves_[i].needle.emplace(*text);
  }
  searcher.prepare_sets();
  searcher.look_again();
  return searcher;
}

void Searcher::look_again() {
  now_ = std::chrono::system_clock::now();
  const std::vector<std::string>& keywords = session_.view()->mailbox().keywords();
  for (std::size_t i = 0; i < program_.nodes.size(); ++i) {
    const imap::SearchNode& node = program_.nodes[i];
    if (node.key != Key::keyword) continue;
    const auto found = std::ranges::find_if(keywords, [&](const std::string& name) { return ascii::equal_ignoring_case(name, node.text); });
    leaves_[i].keyword = found == keywords.end() ? 0 : std::uint64_t{1} << (found - keywords.begin());
  }
}

void Searcher::prepare_sets() {
  for (std::size_t i = 0; i < program_.nodes.size(); ++i) {
    const imap::SearchNode& node = program_.nodes[i];
    if (node.key == Key::message_numbers) leaves_[i].uids = uids_of(node.set, imap::Numbering::message);
    if (node.key == Key::uids || node.key == Key::x_real_uids) leaves_[i].uids = uids_of(node.set, imap::Numbering::uid);
  }
}

// No larger than what the client has written.
imap::NumberSet Searcher::uids_of(const imap::SequenceSet& set, imap::Numbering numbering) const {
  const View& view = *session_.view();
  if (set.is_saved_result()) return view.saved();
  if (numbering == imap::Numbering::uid) return set.resolve(view.exists() == 0 ? 0 : view.uids().back());
  std::vector<imap::Range> uids;
  const imap::NumberSet numbers = set.resolve(view.exists());
  for (const imap::Range& range : numbers.ranges()) {
    if (range.first == 0 || range.first > view.exists()) continue;
    uids.push_back({.first = view.uid_of(range.first), .last = view.uid_of(std::min(range.last, view.exists()))});
  }
  return imap::NumberSet::of(std::move(uids));
}

std::vector<store::Uid> Searcher::run(Progress& progress) {
  std::vector<store::Uid> out;
  // The list of messages may change while others run: by UID, not by place.
  const std::vector<store::Uid> all(session_.view()->uids().begin(), session_.view()->uids().end());
  std::size_t done = 0;
  for (const store::Uid uid : all) {
    const store::Entry* const entry = session_.view()->mailbox().find(uid);
    if (entry != nullptr && matches(*entry)) out.push_back(uid);
    event::breathe();
    progress.went(++done);
    if (session_.is_lost()) break;
  }
  return out;
}

// First by what costs nothing; the message is read only where that does not decide.
bool Searcher::matches(const store::Entry& entry) {
  Looked looked{.entry = &entry, .facts = {}, .message = {}, .parts = {}, .fields = {}};
  const auto leaf = [&](bool may_read) {
    return program_.evaluate([&, may_read](const imap::SearchNode& node) { return test(node, looked, may_read); });
  };
  Truth result = leaf(false);
  if (result == Truth::unknown) result = leaf(true);
  return result == Truth::yes;
}

Truth Searcher::test(const imap::SearchNode& node, Looked& looked, bool may_read) {
  const store::Entry& entry = *looked.entry;
  const Leaf& leaf = leaves_[static_cast<std::size_t>(&node - program_.nodes.data())];
  switch (node.key) {
    case Key::and_:
    case Key::or_:
    case Key::not_:
    case Key::all:
    case Key::save_date_supported: return Truth::yes;
    case Key::answered:
    case Key::deleted:
    case Key::draft:
    case Key::flagged:
    case Key::seen:
    case Key::recent: return truth((entry.flags.system & system_flag(node.key)) != 0);
    case Key::keyword: return truth((entry.flags.keywords & leaf.keyword) != 0);
    case Key::message_numbers:
    case Key::x_real_uids:
    case Key::uids: return truth(leaf.uids.contains(entry.uid));
    case Key::modseq:
      session_.features().condstore = true;
      return truth(entry.modseq >= node.number);
    case Key::email_id:
    case Key::x_guid: return truth(node.text == fmt::format("{}{:08x}", session_.view()->mailbox().mailbox_id(), entry.uid));
    case Key::thread_id: return Truth::no;
    case Key::x_mailbox: return truth(session_.store_name(node.text) == session_.view()->name());
    case Key::larger:
    case Key::smaller:
    case Key::older:
    case Key::younger:
    case Key::before:
    case Key::on:
    case Key::since:
    case Key::saved_before:
    case Key::saved_on:
    case Key::saved_since: return may_read || looked.facts ? truth(test_facts(node, looked)) : Truth::unknown;
    case Key::sent_before:
    case Key::sent_on:
    case Key::sent_since: return may_read ? truth(test_fields(node, looked)) : Truth::unknown;
    case Key::header:
      if (message::is_sort_field(node.field)) return may_read ? truth(test_fields(node, looked)) : Truth::unknown;
      [[fallthrough]];
    case Key::body:
    case Key::text: return may_read ? truth(test_text(node, looked)) : Truth::unknown;
  }
  return Truth::no;
}

bool Searcher::test_facts(const imap::SearchNode& node, Looked& looked) {
  if (!looked.facts) {
    auto facts = session_.view()->mailbox().facts(looked.entry->uid);
    if (!facts) return false;   // it has gone
    looked.facts = *facts;
  }
  const store::Facts& facts = *looked.facts;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now_ - facts.internal_date).count();
  switch (node.key) {
    case Key::larger: return facts.size > node.number;
    case Key::smaller: return facts.size < node.number;
    case Key::older: return age >= static_cast<std::int64_t>(node.number);
    case Key::younger: return age <= static_cast<std::int64_t>(node.number);
    case Key::saved_before:
    case Key::saved_on:
    case Key::saved_since: return compare_day(node.key, local_day(facts.save_date), node.day);
    default: return compare_day(node.key, local_day(facts.internal_date), node.day);
  }
}

bool Searcher::read(Looked& looked) {
  if (looked.message || looked.is_unreadable) return !looked.is_unreadable;
  auto message = session_.view()->mailbox().open(looked.entry->uid);
  looked.is_unreadable = !message.has_value();
  if (!message) return false;
  looked.message = std::move(*message);
  looked.parts = message::Parts::parse(looked.message->text());
  return true;
}

bool Searcher::test_fields(const imap::SearchNode& node, Looked& looked) {
  if (!looked.fields) {
    auto fields = kept_sort_fields(session_.view()->mailbox(), looked.entry->uid);
    if (!fields) return false;
    looked.fields = std::move(*fields);
  }
  if (node.key == Key::header) {
    const Leaf& leaf = leaves_[static_cast<std::size_t>(&node - program_.nodes.data())];
    return message::is_in_header(*leaf.needle, *looked.fields, node.field);
  }
  const auto date = message::find_field(*looked.fields, "Date");
  const auto sent = date ? message::parse_sent_date(*date) : std::nullopt;
  return sent && compare_day(node.key, sent->day(), node.day);
}

bool Searcher::test_text(const imap::SearchNode& node, Looked& looked) {
  if (!read(looked)) return false;
  const std::string_view text = looked.message->text();
  const Leaf& leaf = leaves_[static_cast<std::size_t>(&node - program_.nodes.data())];
  switch (node.key) {
    case Key::body: return message::is_in_body(*leaf.needle, text, *looked.parts);
    case Key::text: return message::is_in_text(*leaf.needle, text, *looked.parts);
    default: return message::is_in_header(*leaf.needle, looked.parts->root().header.of(text), node.field);
  }
}

}  // namespace imapd
