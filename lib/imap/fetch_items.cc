#include "lib/imap/fetch_items.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/imap/message_arguments.h"
#include "lib/imap/response_writer.h"

namespace imap {
namespace {

using Attribute = FetchAttribute;

struct PlainItem { std::string_view name; Attribute attribute; };
constexpr std::array plain_items{
    PlainItem{"FLAGS", Attribute::flags},           PlainItem{"INTERNALDATE", Attribute::internal_date},
    PlainItem{"ENVELOPE", Attribute::envelope},     PlainItem{"BODY", Attribute::body},
    PlainItem{"BODYSTRUCTURE", Attribute::body_structure}, PlainItem{"RFC822.SIZE", Attribute::rfc822_size},
    PlainItem{"UID", Attribute::uid},               PlainItem{"MODSEQ", Attribute::modseq},
    PlainItem{"SAVEDATE", Attribute::save_date},    PlainItem{"EMAILID", Attribute::email_id},
    PlainItem{"THREADID", Attribute::thread_id},    PlainItem{"X-GUID", Attribute::x_guid},
    PlainItem{"X-MAILBOX", Attribute::x_mailbox},   PlainItem{"X-REAL-UID", Attribute::x_real_uid},
    PlainItem{"X-SAVEDATE", Attribute::x_save_date}};

struct WholeItem { std::string_view name; Section::Text text; bool is_peek; };
constexpr std::array rfc822_items{WholeItem{"RFC822", Section::Text::whole, false}, WholeItem{"RFC822.HEADER", Section::Text::header, true},
                                  WholeItem{"RFC822.TEXT", Section::Text::text, false}};

struct BracketItem { std::string_view name, shown; Attribute attribute; bool is_peek; };
constexpr std::array bracket_items{
    BracketItem{"BODY", "BODY", Attribute::section, false},       BracketItem{"BODY.PEEK", "BODY", Attribute::section, true},
    BracketItem{"BINARY", "BINARY", Attribute::binary, false},    BracketItem{"BINARY.PEEK", "BINARY", Attribute::binary, true},
    BracketItem{"BINARY.SIZE", "BINARY.SIZE", Attribute::binary_size, true}};

struct Macro { std::string_view name; std::array<Attribute, 5> attributes; std::size_t size; };
constexpr std::array macros{
    Macro{"ALL", {Attribute::flags, Attribute::internal_date, Attribute::rfc822_size, Attribute::envelope}, 4},
    Macro{"FAST", {Attribute::flags, Attribute::internal_date, Attribute::rfc822_size}, 3},
    Macro{"FULL", {Attribute::flags, Attribute::internal_date, Attribute::rfc822_size, Attribute::envelope, Attribute::body}, 5}};

struct TextName { std::string_view name; Section::Text text; };
constexpr std::array text_names{TextName{"HEADER", Section::Text::header}, TextName{"HEADER.FIELDS", Section::Text::header_fields},
                                TextName{"HEADER.FIELDS.NOT", Section::Text::header_fields_not}, TextName{"TEXT", Section::Text::text},
                                TextName{"MIME", Section::Text::mime}};

template <class Rows>
auto row_of(const Rows& rows, std::string_view name) {
  const auto row = std::ranges::find_if(rows, [&](const auto& it) { return ascii::equal_ignoring_case(it.name, name); });
  return row == rows.end() ? nullptr : &*row;
}

FetchItem plain(Attribute attribute) {
  const auto row = std::ranges::find(plain_items, attribute, &PlainItem::attribute);
  return {.attribute = attribute, .label = std::string(row->name)};
}

// Made of the message's text.
bool is_of_text(const FetchItem& item) {
  switch (item.attribute) {
    case Attribute::envelope:
    case Attribute::body:
    case Attribute::body_structure:
    case Attribute::section:
    case Attribute::binary:
    case Attribute::binary_size: return true;
    case Attribute::flags:
    case Attribute::internal_date:
    case Attribute::rfc822_size:
    case Attribute::uid:
    case Attribute::modseq:
    case Attribute::preview:
    case Attribute::save_date:
    case Attribute::email_id:
    case Attribute::thread_id:
    case Attribute::x_guid:
    case Attribute::x_mailbox:
    case Attribute::x_real_uid:
    case Attribute::x_save_date: return false;
  }
  return false;
}

base::Failure bad_parameter(const BracketItem& item, std::string_view why) {
  return base::fail("Invalid " + std::string(item.shown == "BODY" ? "BODY" : "BINARY") + "[..] parameter: " + std::string(why));
}

base::Failure bad_section(const BracketItem& item) {
  return base::fail("Invalid " + std::string(item.shown == "BODY" ? "BODY" : "BINARY") + "[..] section");
}

bool parse_fields(Values names, Section& section) {
  for (const Value name : names) {
    const auto text = name.astring();
    if (!text || !section.add_field(*text)) return false;
  }
  return !section.fields.empty();
}

// What is behind ']': nothing, or "<offset.size>".
Result<void> parse_partial(std::string_view text, const BracketItem& item, Section& section) {
  if (text.empty()) return {};
  if (!text.starts_with('<') || item.attribute == Attribute::binary_size) return bad_parameter(item, "Unexpected data after ']'");
  if (!text.ends_with('>')) return bad_parameter(item, "Missing '>' in partial");
  text = text.substr(1, text.size() - 2);
  const std::size_t dot = text.find('.');
  const auto offset = ascii::parse_number(text.substr(0, dot), INT64_MAX);
  if (!offset) return bad_parameter(item, "Too big partial start");
  auto size = std::optional<std::uint64_t>(INT64_MAX);
  if (dot != std::string_view::npos) size = ascii::parse_number(text.substr(dot + 1), INT64_MAX);
  if (!size) return bad_parameter(item, "Too big partial end");
  section.partial = {.offset = *offset, .size = *size};
  return {};
}

std::string label_of(const BracketItem& row, std::string_view section_text, const Section& section) {
  std::string label = std::string(row.shown) + "[" + ascii::uppercase(section_text);
  if (!section.fields.empty()) {
    label += ' ';
    ListWriter list(label);
    for (const std::string& field : section.fields) append_astring(list.item(), field);
    list.close();
  }
  label += ']';
  if (section.partial) label += "<" + std::to_string(section.partial->offset) + ">";
  return label;
}

// "BODY[..]", whose atom has been taken; field names and what is behind them are the next values.
Result<FetchItem> bracket_item(const BracketItem& row, std::string_view text, Values& values) {
  const std::size_t end = text.find(']');
  const std::string_view section_text = text.substr(0, end);
  std::string_view rest = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  if (end == std::string_view::npos && values.empty()) return bad_parameter(row, "Missing ']'");
  auto section = Section::parse(section_text);
  if (!section || (row.attribute != Attribute::section && section->text != Section::Text::whole)) return bad_section(row);
  if (section->wants_fields() == (end != std::string_view::npos)) return bad_section(row);
  FetchItem item{.attribute = row.attribute, .is_peek = row.is_peek, .section = *std::move(section)};
  if (item.section.wants_fields()) {
    const auto names = values.take_list();
    if (!names || !parse_fields(*names, item.section)) return bad_section(row);
    const auto behind = values.take_atom();
    if (!behind || !behind->starts_with(']')) return bad_parameter(row, "Missing ']'");
    rest = behind->substr(1);
  }
  TRY(parse_partial(rest, row, item.section));
  item.label = label_of(row, section_text, item.section);
  return item;
}

// PREVIEW, and SNIPPET, its name before RFC 8970. Dovecot still knows algorithms: "(LAZY=FUZZY)".
Result<FetchItem> preview_item(std::string_view name, Values& values) {
  FetchItem item{.attribute = Attribute::preview, .is_fuzzy = name == "SNIPPET", .label = std::string(name)};
  const auto modifiers = values.take_list();
  if (!modifiers) return item;
  if (modifiers->empty()) return base::fail("FETCH list contains non-atoms");
  for (const Value modifier : *modifiers) {
    if (!modifier.is_atom()) return base::fail("Invalid PREVIEW modifier");
    const auto text = ascii::uppercase(modifier.text());
    if (text != "LAZY" && text != "FUZZY" && text != "LAZY=FUZZY") return base::fail("'" + text + "' is not a supported PREVIEW modifier");
    item.is_lazy = item.is_lazy || text.starts_with("LAZY");
    item.is_fuzzy = item.is_fuzzy || text.ends_with("FUZZY");
  }
  return item;
}

Result<FetchItem> parse_item(Values& values) {
  const auto text = values.take_atom();
  if (!text) return base::fail("FETCH list contains non-atoms");
  const std::size_t bracket = text->find('[');
  const std::string name = ascii::uppercase(text->substr(0, bracket));
  const BracketItem* bracketed = row_of(bracket_items, name);
  if (bracket != std::string_view::npos && bracketed != nullptr) return bracket_item(*bracketed, text->substr(bracket + 1), values);
  if (bracket == std::string_view::npos) {
    if (name == "PREVIEW" || name == "SNIPPET") return preview_item(name, values);
    if (const PlainItem* row = row_of(plain_items, name)) return plain(row->attribute);
    if (bracketed != nullptr) return bad_parameter(*bracketed, "Missing '['");
    if (const WholeItem* row = row_of(rfc822_items, name)) {
      return FetchItem{.attribute = Attribute::section, .is_peek = row->is_peek, .section = {.text = row->text}, .label = name};
    }
  }
  return base::fail((name.starts_with("RFC822.") ? "Unknown parameter " : "Unknown parameter: ") + name);
}

}  // namespace

// RFC 9051: section-spec.
std::optional<Section> Section::parse(std::string_view text) {
  Section section;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('.'), text.size());
    if (!std::ranges::all_of(text.substr(0, end), ascii::is_digit)) break;
    if (end == 0 || end + 1 == text.size() || section.part.size() == section_depth_limit) return std::nullopt;
    // No message has so many parts: what is beyond is one that is not there.
    section.part.push_back(static_cast<std::uint32_t>(ascii::parse_number(text.substr(0, end), UINT32_MAX).value_or(UINT32_MAX)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (text.empty()) return section;
  const TextName* row = row_of(text_names, text);
  if (row == nullptr || (row->text == Text::mime && section.part.empty())) return std::nullopt;
  section.text = row->text;
  return section;
}

bool Section::add_field(std::string_view name) {
  if (name.empty() || name.size() > header_name_size_max || fields.size() == header_names_limit) return false;
  if (!std::ranges::all_of(name, ascii::is_printable)) return false;
  fields.push_back(ascii::uppercase(name));
  return true;
}

bool FetchItems::has(FetchAttribute attribute) const {
  return std::ranges::any_of(items, [&](const FetchItem& item) { return item.attribute == attribute; });
}

bool FetchItems::sets_seen() const {
  return std::ranges::any_of(items, [](const FetchItem& item) { return !item.is_peek; });
}

void FetchItems::require(FetchAttribute attribute) {
  if (!has(attribute)) items.insert(std::ranges::find_if(items, is_of_text), plain(attribute));
}

Result<FetchItems> FetchItems::parse(Values& values) {
  FetchItems result;
  if (values.empty() || !(values.front().is_list() || values.front().is_atom())) return base::fail("Invalid arguments");
  if (!values.front().is_list()) {
    if (const Macro* macro = row_of(macros, values.front().text())) {
      values.take();
      for (std::size_t i = 0; i < macro->size; ++i) result.items.push_back(plain(macro->attributes[i]));
    } else {
      result.items.push_back(TRY(parse_item(values)));
    }
    return result;
  }
  Values list = *values.take_list();
  if (list.empty()) return base::fail("FETCH list is empty");
  while (!list.empty()) {
    FetchItem item = TRY(parse_item(list));
    const auto same = std::ranges::find_if(result.items, [&](const FetchItem& it) { return it.label == item.label && it.section == item.section; });
    if (same != result.items.end()) {
      same->is_peek = same->is_peek && item.is_peek;
      continue;
    }
    if (result.items.size() == fetch_items_limit) return base::fail("Too many FETCH items");
    const auto place = is_of_text(item) ? result.items.end() : std::ranges::find_if(result.items, is_of_text);
    result.items.insert(place, std::move(item));
  }
  return result;
}

Result<FetchArguments> FetchArguments::parse(Values values, Numbering numbering) {
  FetchArguments arguments;
  const auto set = values.take_astring();
  if (!set || values.empty()) return base::fail("Invalid arguments");
  arguments.set = TRY(SequenceSet::parse(*set));
  arguments.items = TRY(FetchItems::parse(values));
  auto modifiers = values.take_list();
  if (!values.empty()) return base::fail("Invalid arguments");
  while (modifiers && !modifiers->empty()) {
    const auto name = modifiers->take_atom();
    if (!name) return base::fail("FETCH modifiers contain non-atoms");
    if (ascii::equal_ignoring_case(*name, "CHANGEDSINCE")) {
      const auto number = modifiers->take_atom();
      arguments.changed_since = number ? parse_modseq(*number) : std::nullopt;
      if (!arguments.changed_since) return base::fail("Invalid CHANGEDSINCE modseq");
    } else if (ascii::equal_ignoring_case(*name, "VANISHED") && numbering == Numbering::uid) {
      arguments.wants_vanished = true;
    } else {
      return base::fail("Unknown FETCH modifier");
    }
  }
  if (arguments.wants_vanished && !arguments.changed_since) return base::fail("VANISHED used without CHANGEDSINCE");
  if (arguments.changed_since) arguments.items.require(FetchAttribute::modseq);
  if (numbering == Numbering::uid) {
    auto& items = arguments.items.items;
    std::erase_if(items, [](const FetchItem& item) { return item.attribute == FetchAttribute::uid; });
    items.insert(items.begin(), plain(FetchAttribute::uid));
  }
  return arguments;
}

}  // namespace imap
