// What an IMAP client says, before and after its login.

#include <string>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "lib/mail/modified_utf7.h"
#include "lib/imap/append_reader.h"
#include "lib/imap/fetch_items.h"
#include "lib/imap/list_arguments.h"
#include "lib/imap/list_pattern.h"
#include "lib/imap/mailbox_arguments.h"
#include "lib/imap/mailbox_name.h"
#include "lib/imap/message_arguments.h"
#include "lib/imap/notify_arguments.h"
#include "lib/imap/response_writer.h"
#include "lib/imap/search_arguments.h"
#include "lib/imap/session_arguments.h"
#include "lib/imap/test_arguments.h"
#include "lib/imap/url.h"
#include "test/fuzz/target.h"

namespace fuzz {
namespace {

using ::imap::ReadEnd;
using ::imap::testing::soon;

constexpr std::size_t said_max = 100'000;   // what a socket's buffer holds

void flags(const ::imap::FlagList& list) {
  std::string out;
  ::imap::append_flags(out, list.system, list.keywords);
}

void fetch(const ::imap::Values& values) {
  for (const auto numbering : {::imap::Numbering::message, ::imap::Numbering::uid}) {
    const auto fetch = ::imap::FetchArguments::parse(values, numbering);
    if (!fetch) continue;
    CHECK(!fetch->items.items.empty() && fetch->items.items.size() <= ::imap::fetch_items_limit + 1);
    // A label asks for the same section again.
    for (const auto& item : fetch->items.items) {
      if (item.attribute != ::imap::FetchAttribute::section || item.section.partial) continue;
      const auto again = ::imap::testing::arguments("1 " + item.label);
      const auto read = ::imap::FetchArguments::parse(again.values(), ::imap::Numbering::message);
      CHECK(read && read->items.items.size() == 1 && read->items.items[0].section == item.section);
    }
  }
}

::imap::Truth by_hand(const ::imap::SearchProgram& program, std::uint32_t at, auto&& leaf) {
  using ::imap::SearchKey;
  using ::imap::Truth;
  const auto& node = program.nodes[at];
  CHECK(node.next > at && node.next <= program.nodes.size());
  if (node.key > SearchKey::not_) {
    CHECK(node.next == at + 1);
    return leaf(node);
  }
  CHECK(node.next > at + 1);
  bool has_yes = false, has_no = false, has_unknown = false;
  for (std::uint32_t i = at + 1; i < node.next; i = program.nodes[i].next) {
    const Truth value = by_hand(program, i, leaf);
    has_yes = has_yes || value == Truth::yes;
    has_no = has_no || value == Truth::no;
    has_unknown = has_unknown || value == Truth::unknown;
  }
  if (node.key == SearchKey::and_) return has_no ? Truth::no : has_unknown ? Truth::unknown : Truth::yes;
  if (node.key == SearchKey::or_) return has_yes ? Truth::yes : has_unknown ? Truth::unknown : Truth::no;
  return has_unknown ? Truth::unknown : has_yes ? Truth::no : Truth::yes;
}

void search(const ::imap::Values& values) {
  static_cast<void>(::imap::SortArguments::parse(values));
  static_cast<void>(::imap::ThreadArguments::parse(values));
  const auto search = ::imap::SearchArguments::parse(values);
  if (!search) return;
  const auto& program = search->program;
  CHECK(program.nodes.size() <= ::imap::search_nodes_limit && program.nodes[0].next == program.nodes.size());
  const auto leaf = [](const ::imap::SearchNode& node) { return static_cast<::imap::Truth>((static_cast<unsigned>(node.key) + node.text.size()) % 3); };
  CHECK(program.evaluate(leaf) == by_hand(program, 0, leaf));
}

void arguments(const ::imap::Values& values) {
  fetch(values);
  search(values);
  if (const auto store = ::imap::StoreArguments::parse(values)) flags(store->flags);
  static_cast<void>(::imap::CopyArguments::parse(values));
  static_cast<void>(::imap::SelectArguments::parse(values));
  static_cast<void>(::imap::CreateArguments::parse(values));
  static_cast<void>(::imap::RenameArguments::parse(values));
  static_cast<void>(::imap::StatusArguments::parse(values));
  static_cast<void>(::imap::ListArguments::parse(values));
  static_cast<void>(::imap::ListArguments::parse_lsub(values));
  static_cast<void>(::imap::NotifyArguments::parse(values));
  static_cast<void>(::imap::LoginArguments::parse(values));
  static_cast<void>(::imap::AuthenticateArguments::parse(values));
  static_cast<void>(::imap::parse_enable(values));
  static_cast<void>(::imap::parse_id(values));
  static_cast<void>(::imap::SetQuotaArguments::parse(values));
}

// False when the connection is over.
bool goes_on(ReadEnd end, const ::imap::CommandReader& reader) { return end == ReadEnd::ok || (end == ReadEnd::fault && !reader.fault().is_final); }

ReadEnd append(::imap::CommandReader& reader) {
  ::imap::AppendReader append(reader);
  std::string mailbox;
  ReadEnd end = append.read_mailbox(mailbox, soon());
  for (::imap::AppendEvent event; end == ReadEnd::ok;) {
    end = append.next(event, soon());
    if (end != ReadEnd::ok || event.kind == ::imap::AppendEvent::Kind::end) return end;
    if (event.kind != ::imap::AppendEvent::Kind::literal) continue;
    if (event.size % 3 == 0) return reader.skip(soon());
    reader.accept_literal(soon());
    while (reader.literal_left() != 0) {
      if (reader.read_literal(1000, soon()).end != io::End::ok) return ReadEnd::eof;
    }
  }
  return end;
}

void dialogue(std::string_view data, const ::imap::ReaderLimits& limits) {
  ::imap::testing::Client client(data, limits);
  auto& reader = client.reader();
  ::imap::Command command;
  for (;;) {
    ReadEnd end = reader.begin(command, soon());
    if (!goes_on(end, reader)) return;
    if (end == ReadEnd::fault) continue;
    if (command.name == "APPEND") end = append(reader);
    else if (command.name == "SKIP") end = reader.skip(soon());
    else end = reader.finish(command, soon());
    if (!goes_on(end, reader)) return;
    CHECK(command.arguments.count() <= limits.values && command.arguments.text_size() <= limits.command);
    if (end == ReadEnd::ok) arguments(command.arguments.values());
  }
}

}  // namespace

void imap_command(std::string_view data) {
  data = data.substr(0, said_max);
  dialogue(data, ::imap::limits_before_login);
  dialogue(data, ::imap::limits_after_login);
}

void imap_search(std::string_view data) {
  const std::string line = "a SEARCH " + std::string(data.substr(0, said_max)) + "\r\n";
  dialogue(line, ::imap::limits_after_login);
}

void imap_text(std::string_view data) {
  if (const auto name = mail::decode_modified_utf7(data)) CHECK(mail::encode_modified_utf7(*name) == data);
  if (!data.contains('\0') && base::is_utf8(data)) CHECK(mail::decode_modified_utf7(mail::encode_modified_utf7(data)) == data);
  if (const auto set = ::imap::SequenceSet::parse(data); set && !set->is_saved_result()) {
    const auto numbers = set->resolve(1000);
    CHECK(numbers.empty() || ::imap::SequenceSet::parse(numbers.text())->resolve(1) == numbers);
  }
  if (const auto date = ::imap::parse_date_time(data)) CHECK(::imap::parse_date_time(::imap::date_time_text(*date))->time == date->time);
  static_cast<void>(::imap::parse_date(data));
  if (const auto url = ::imap::MessageUrl::parse(data)) CHECK(url->uid != 0);
  const std::size_t half = data.size() / 2;
  const ::imap::ListPattern pattern(data.substr(0, half), '/');
  if (!pattern.has_wildcard()) CHECK(!matches_name(pattern.match(data.substr(half))) || ascii::equal_ignoring_case(pattern.prefix(), data.substr(half)));
  // What is written is read as it was.
  std::string line = "a X ";
  ::imap::append_string(line, data.substr(0, 1000));
  line += ' ';
  ::imap::append_astring(line, data.substr(0, 1000));
  ::imap::testing::Client client(line + "\r\n");
  ::imap::Command command;
  CHECK(client.reader().begin(command, soon()) == ReadEnd::ok && client.reader().finish(command, soon()) == ReadEnd::ok);
  std::string expected(data.substr(0, 1000));
  for (char& c : expected) c = c == '\0' ? '\x80' : c;
  for (const ::imap::Value value : command.arguments.values()) CHECK(value.astring() == std::string_view(expected));
  CHECK(command.arguments.count() == 2);
}

}  // namespace fuzz
