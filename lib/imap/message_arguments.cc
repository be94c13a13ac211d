#include "lib/imap/message_arguments.h"

#include "lib/base/ascii.h"

namespace imap {
namespace {

Result<std::optional<std::uint64_t>> parse_modifiers(Values values) {
  std::optional<std::uint64_t> unchanged_since;
  while (const auto name = values.take()) {
    const auto number = values.take_atom();
    if (!name->is_atom() || !number) return base::fail("Invalid STORE modifiers");
    if (!name->is("UNCHANGEDSINCE")) return base::fail("Unknown STORE modifier");
    unchanged_since = parse_modseq(*number);
    if (!unchanged_since) return base::fail("Invalid modseq");
  }
  return unchanged_since;
}

// "+FLAGS.SILENT". False when it is something else.
bool parse_item(std::string_view text, StoreArguments& arguments) {
  using Operation = StoreArguments::Operation;
  arguments.operation = text.starts_with('+') ? Operation::add : text.starts_with('-') ? Operation::remove : Operation::set;
  if (arguments.operation != Operation::set) text.remove_prefix(1);
  arguments.is_silent = ascii::equal_ignoring_case(text, "FLAGS.SILENT");
  return arguments.is_silent || ascii::equal_ignoring_case(text, "FLAGS");
}

}  // namespace

std::optional<std::uint64_t> parse_modseq(std::string_view text) { return ascii::parse_number(text, INT64_MAX); }

Result<StoreArguments> StoreArguments::parse(Values values) {
  StoreArguments arguments;
  const auto set = values.take_astring();
  if (!set || values.empty()) return base::fail("Invalid arguments");
  arguments.set = TRY(SequenceSet::parse(*set));
  if (const auto modifiers = values.take_list()) arguments.unchanged_since = TRY(parse_modifiers(*modifiers));
  const auto item = values.take_atom();
  if (!item || !parse_item(*item, arguments)) return base::fail("Invalid arguments");
  if (const auto list = values.take_list()) values = *list;
  else if (values.take_word("NIL") && !values.empty()) return base::fail("Invalid arguments");
  arguments.flags = TRY(FlagList::parse(values));
  return arguments;
}

Result<CopyArguments> CopyArguments::parse(Values values) {
  const auto set = values.take();
  const auto mailbox = values.take();
  if (!set || !mailbox) return base::fail("Missing arguments");
  if (!set->astring() || !mailbox->astring()) return base::fail("Invalid arguments");
  CopyArguments arguments;
  arguments.set = TRY(SequenceSet::parse(*set->astring()));
  arguments.mailbox = *mailbox->astring();
  return arguments;
}

Result<SequenceSet> parse_set_argument(Values values) {
  if (values.empty()) return base::fail("Missing arguments");
  const auto text = values.take_astring();
  if (!text) return base::fail("Invalid arguments");
  auto set = SequenceSet::parse(*text);
  if (!set) return base::fail("Invalid uidset");
  return set;
}

}  // namespace imap
