#include "lib/imap/mailbox_arguments.h"

#include <algorithm>
#include <array>

#include "lib/base/ascii.h"
#include "lib/imap/message_arguments.h"

namespace imap {
namespace {

constexpr std::size_t special_uses_limit = 16;

// In the order of StatusItem.
constexpr std::array<std::string_view, 12> status_names{"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "DELETED-STORAGE",
                                                        "SIZE", "HIGHESTMODSEQ", "APPENDLIMIT", "MAILBOXID", "X-GUID"};
static_assert(status_names.size() == static_cast<std::size_t>(StatusItem::x_guid) + 1);

Result<std::string> take_mailbox(Values& values) {
  if (values.empty()) return base::fail("Missing arguments");
  const auto name = values.take_astring();
  if (!name) return base::fail("Invalid arguments");
  return std::string(*name);
}

// RFC 7162 section 3.2.5.2: known-uids and the sets of seq-match-data have no '*'.
Result<NumberSet> numbers_of(const std::optional<Value>& value, std::string_view refusal) {
  const auto text = value ? value->atom() : std::nullopt;
  const auto set = text ? SequenceSet::parse(*text) : Result<SequenceSet>(base::fail(""));
  if (!set || set->has_star() || set->is_saved_result()) return base::fail(std::string(refusal));
  return set->resolve(0);
}

Result<Qresync> parse_qresync(const std::optional<Values>& given) {
  if (!given) return base::fail("QRESYNC parameters missing");
  Values values = *given;
  const auto validity = values.take_atom(), modseq = values.take_atom();
  if (!validity || !modseq) return base::fail("Invalid QRESYNC parameters");
  const auto validity_number = ascii::parse_number(*validity, UINT32_MAX);
  const auto modseq_number = parse_modseq(*modseq);
  if (!validity_number || *validity_number == 0) return base::fail("Invalid QRESYNC UIDVALIDITY");
  if (!modseq_number) return base::fail("Invalid QRESYNC modseq");
  Qresync qresync{.uid_validity = static_cast<std::uint32_t>(*validity_number), .modseq = *modseq_number};
  if (!values.empty() && !values.front().is_list()) qresync.known_uids = TRY(numbers_of(values.take(), "Invalid QRESYNC known-uids"));
  if (!values.empty()) {
    auto match = values.take_list();
    if (!match || !values.empty()) return base::fail("Invalid QRESYNC parameters");
    Qresync::Match sets;
    sets.numbers = TRY(numbers_of(match->take(), "Invalid QRESYNC known-sequence-set"));
    sets.uids = TRY(numbers_of(match->take(), "Invalid QRESYNC known-uid-set"));
    if (!match->empty() || sets.numbers.count() != sets.uids.count()) return base::fail("Invalid QRESYNC sets");
    qresync.match = std::move(sets);
  }
  return qresync;
}

}  // namespace

Result<SelectArguments> SelectArguments::parse(Values values) {
  SelectArguments arguments;
  const auto name = values.take_astring();
  if (!name) return base::fail("Invalid arguments");
  arguments.mailbox = *name;
  auto options = values.take_list();
  while (options && !options->empty()) {
    const Value option = *options->take();
    if (option.is("CONDSTORE")) arguments.condstore = true;
    else if (option.is("QRESYNC")) arguments.qresync = TRY(parse_qresync(options->take_list()));
    else return base::fail(option.is_atom() ? "Unknown SELECT option" : "SELECT options contain non-atoms");
  }
  return arguments;
}

Result<CreateArguments> CreateArguments::parse(Values values) {
  CreateArguments arguments;
  arguments.mailbox = TRY(take_mailbox(values));
  auto options = values.take_list();
  while (options && !options->empty()) {
    if (!options->take_word("USE")) return base::fail("Unknown CREATE parameter");
    const auto uses = options->take_list();
    if (!uses) return base::fail("Invalid CREATE USE parameter");
    for (const Value use : *uses) {
      const auto text = use.atom();
      if (!text || !text->starts_with('\\') || arguments.special_use.size() == special_uses_limit) return base::fail("Invalid CREATE USE parameter");
      arguments.special_use.emplace_back(*text);
    }
  }
  return arguments;
}

Result<RenameArguments> RenameArguments::parse(Values values) {
  RenameArguments arguments;
  arguments.from = TRY(take_mailbox(values));
  arguments.to = TRY(take_mailbox(values));
  return arguments;
}

Result<std::string> parse_mailbox_argument(Values values) { return take_mailbox(values); }

std::string_view status_item_name(StatusItem item) { return status_names[static_cast<std::size_t>(item)]; }

Result<StatusItems> StatusItems::parse(Values values) {
  if (values.empty()) return base::fail("Empty status list");
  StatusItems items;
  for (const Value value : values) {
    if (!value.is_atom()) return base::fail("Status list contains non-atoms");
    const auto name = std::ranges::find_if(status_names, [&](std::string_view it) { return value.is(it); });
    if (name == status_names.end()) return base::fail("Invalid status item " + ascii::uppercase(value.text()));
    items.add(static_cast<StatusItem>(name - status_names.begin()));
  }
  return items;
}

Result<StatusArguments> StatusArguments::parse(Values values) {
  if (values.size() < 2) return base::fail("Missing arguments");
  StatusArguments arguments;
  arguments.mailbox = TRY(take_mailbox(values));
  const auto list = values.take_list();
  if (!list) return base::fail("Invalid arguments");
  arguments.items = TRY(StatusItems::parse(*list));
  return arguments;
}

}  // namespace imap
