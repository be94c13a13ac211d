#include "lib/imap/search_program.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "lib/imap/date_time.h"
#include "lib/imap/message_arguments.h"

namespace imap {
namespace {

using Key = SearchKey;

enum class Argument : std::uint8_t { none, text, field_and_text, date, size, interval, modseq, set };
enum class Negated : bool { no, yes };

struct KeyRow {
  std::string_view name;
  Key key;
  Argument argument = Argument::none;
  Negated negated = Negated::no;
};
// A header's key names its field.
constexpr std::array keys{
    KeyRow{"ALL", Key::all},
    KeyRow{"ANSWERED", Key::answered},
    KeyRow{"UNANSWERED", Key::answered, Argument::none, Negated::yes},
    KeyRow{"DELETED", Key::deleted},
    KeyRow{"UNDELETED", Key::deleted, Argument::none, Negated::yes},
    KeyRow{"DRAFT", Key::draft},
    KeyRow{"UNDRAFT", Key::draft, Argument::none, Negated::yes},
    KeyRow{"FLAGGED", Key::flagged},
    KeyRow{"UNFLAGGED", Key::flagged, Argument::none, Negated::yes},
    KeyRow{"SEEN", Key::seen},
    KeyRow{"UNSEEN", Key::seen, Argument::none, Negated::yes},
    KeyRow{"RECENT", Key::recent},
    KeyRow{"OLD", Key::recent, Argument::none, Negated::yes},
    KeyRow{"KEYWORD", Key::keyword, Argument::text},
    KeyRow{"UNKEYWORD", Key::keyword, Argument::text, Negated::yes},
    KeyRow{"BCC", Key::header, Argument::text},
    KeyRow{"CC", Key::header, Argument::text},
    KeyRow{"FROM", Key::header, Argument::text},
    KeyRow{"SUBJECT", Key::header, Argument::text},
    KeyRow{"TO", Key::header, Argument::text},
    KeyRow{"HEADER", Key::header, Argument::field_and_text},
    KeyRow{"BODY", Key::body, Argument::text},
    KeyRow{"TEXT", Key::text, Argument::text},
    KeyRow{"UID", Key::uids, Argument::set},
    KeyRow{"LARGER", Key::larger, Argument::size},
    KeyRow{"SMALLER", Key::smaller, Argument::size},
    KeyRow{"MODSEQ", Key::modseq, Argument::modseq},
    KeyRow{"OLDER", Key::older, Argument::interval},
    KeyRow{"YOUNGER", Key::younger, Argument::interval},
    KeyRow{"BEFORE", Key::before, Argument::date},
    KeyRow{"ON", Key::on, Argument::date},
    KeyRow{"SINCE", Key::since, Argument::date},
    KeyRow{"SENTBEFORE", Key::sent_before, Argument::date},
    KeyRow{"SENTON", Key::sent_on, Argument::date},
    KeyRow{"SENTSINCE", Key::sent_since, Argument::date},
    KeyRow{"SAVEDBEFORE", Key::saved_before, Argument::date},
    KeyRow{"SAVEDON", Key::saved_on, Argument::date},
    KeyRow{"SAVEDSINCE", Key::saved_since, Argument::date},
    KeyRow{"SAVEDATESUPPORTED", Key::save_date_supported},
    KeyRow{"EMAILID", Key::email_id, Argument::text},
    KeyRow{"THREADID", Key::thread_id, Argument::text},
    KeyRow{"X-GUID", Key::x_guid, Argument::text},
    KeyRow{"X-MAILBOX", Key::x_mailbox, Argument::text},
    KeyRow{"X-REAL-UID", Key::x_real_uids, Argument::set},
};

// What an operator or a list still waits for. The stack of them stands for the recursion that a hostile client would like.
struct Open {
  std::optional<std::uint32_t> place;   // of its node; none for an operator that is one with that above
  Key key;
  std::size_t operands_left;            // of or_ and not_; a list ends with its values
  std::size_t source;                   // where operands come from, in Parser::sources_
  bool is_fuzzy;
};

class Parser {
 public:
  explicit Parser(Values values) : sources_{values} {}
  Result<SearchProgram> run();

 private:
  Result<void> key(std::string_view word);
  Result<void> leaf(const KeyRow& row);
  Result<void> argument(const KeyRow& row, SearchNode& node);
  Result<std::string_view> text_of(const KeyRow& row);
  Result<std::uint64_t> modseq_of(const KeyRow& row);
  Result<void> open(Key key, std::size_t operands, std::size_t source);
  Result<void> add(SearchNode node);
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(program_.nodes.size()); }
  Result<void> numbers(Key key, std::string_view text, std::string_view refusal);
  void ended();
  [[nodiscard]] Values& source() { return sources_[open_.back().source]; }

  SearchProgram program_;
  std::vector<Values> sources_;   // the lists that are open
  std::vector<Open> open_;
  bool is_fuzzy_ = false;         // the next key
};

Result<void> Parser::add(SearchNode node) {
  if (program_.nodes.size() == search_nodes_limit) return base::fail("Too many search keys");
  node.next = size() + 1;
  node.is_fuzzy = std::exchange(is_fuzzy_, false) || (!open_.empty() && open_.back().is_fuzzy);
  program_.nodes.push_back(std::move(node));
  return {};
}

Result<void> Parser::open(Key key, std::size_t operands, std::size_t source) {
  if (open_.size() == search_depth_limit) return base::fail("Search keys are nested too deeply");
  const bool is_fuzzy = is_fuzzy_ || (!open_.empty() && open_.back().is_fuzzy);
  Open entry{.place = {}, .key = key, .operands_left = operands, .source = source, .is_fuzzy = is_fuzzy};
  is_fuzzy_ = false;
  if (open_.empty() || open_.back().key != key || key == Key::not_) {
    entry.place = size();
    TRY(add({.key = key}));
  }
  open_.push_back(entry);
  return {};
}

// A key is complete, and with it perhaps the operators that waited for it.
void Parser::ended() {
  while (!open_.empty() && open_.back().key != Key::and_ && --open_.back().operands_left == 0) {
    if (const auto place = open_.back().place) program_.nodes[*place].next = size();
    open_.pop_back();
  }
}

Result<std::string_view> Parser::text_of(const KeyRow& row) {
  const auto value = source().take();
  const std::string behind = " (for search key: " + std::string(row.name) + ")";
  if (!value) return base::fail("Missing parameter for search key" + behind);
  const auto text = value->astring();
  if (!text) return base::fail("Unexpected (" + behind);
  return *text;
}

Result<std::uint64_t> Parser::modseq_of(const KeyRow& row) {
  std::string_view text = TRY(text_of(row));
  if (text.starts_with("/flags/")) {
    // RFC 7162 section 3.1.5: of one flag and of one kind; one modseq stands for all of a message.
    const std::string_view kind = TRY(text_of(row));
    if (!ascii::equal_ignoring_case(kind, "all") && !ascii::equal_ignoring_case(kind, "priv") && !ascii::equal_ignoring_case(kind, "shared")) {
      return base::fail("Invalid MODSEQ type");
    }
    text = TRY(text_of(row));
  }
  const auto number = parse_modseq(text);
  if (!number) return base::fail("Invalid MODSEQ value");
  return *number;
}

Result<void> Parser::argument(const KeyRow& row, SearchNode& node) {
  switch (row.argument) {
    case Argument::none: break;
    case Argument::text:
      if (row.key == Key::header) node.field = row.name;
      node.text = TRY(text_of(row));
      break;
    case Argument::field_and_text:
      node.field = ascii::uppercase(TRY(text_of(row)));
      node.text = TRY(text_of(row));
      break;
    case Argument::date: {
      const auto day = parse_date(TRY(text_of(row)));
      if (!day) return base::fail("Invalid search date parameter");
      node.day = *day;
      break;
    }
    case Argument::size: {
      const auto size = ascii::parse_number(TRY(text_of(row)), INT64_MAX);
      if (!size) return base::fail("Invalid search size parameter");
      node.number = *size;
      break;
    }
    case Argument::interval: {
      const auto seconds = ascii::parse_number(TRY(text_of(row)), UINT32_MAX);
      if (!seconds || *seconds == 0) return base::fail("Invalid search interval parameter");
      node.number = *seconds;
      break;
    }
    case Argument::modseq: node.number = TRY(modseq_of(row)); break;
    case Argument::set: {
      auto set = SequenceSet::parse(TRY(text_of(row)));
      if (!set) return base::fail("Invalid UID messageset");
      node.set = *std::move(set);
      break;
    }
  }
  return {};
}

Result<void> Parser::leaf(const KeyRow& row) {
  SearchNode node{.key = row.key};
  TRY(argument(row, node));
  if (row.negated == Negated::yes) TRY(open(Key::not_, 1, open_.back().source));
  TRY(add(std::move(node)));
  ended();
  return {};
}

Result<void> Parser::numbers(Key key, std::string_view text, std::string_view refusal) {
  auto set = SequenceSet::parse(text);
  if (!set) return base::fail(std::string(refusal));
  TRY(add({.key = key, .set = *std::move(set)}));
  ended();
  return {};
}

Result<void> Parser::key(std::string_view word) {
  const std::string name = ascii::uppercase(word);
  const std::size_t here = open_.back().source;
  if (name == "OR") return open(Key::or_, 2, here);
  if (name == "NOT") return open(Key::not_, 1, here);
  if (name == "FUZZY") {
    is_fuzzy_ = true;
    return {};
  }
  if (name == "NEW") {
    // RECENT UNSEEN, as a list that ends here.
    const std::uint32_t place = size();
    TRY(add({.key = Key::and_}));
    TRY(add({.key = Key::recent}));
    TRY(add({.key = Key::not_}));
    TRY(add({.key = Key::seen}));
    program_.nodes[place].next = program_.nodes[place + 2].next = size();
    ended();
    return {};
  }
  const auto row = std::ranges::find(keys, name, &KeyRow::name);
  if (row != keys.end()) return leaf(*row);
  if (ascii::is_digit(name[0]) || name[0] == '*' || name == "$") return numbers(Key::message_numbers, name, "Invalid messageset");
  return base::fail("Unknown argument " + name);
}

Result<SearchProgram> Parser::run() {
  if (sources_[0].empty()) return base::fail("Missing search parameters");
  TRY(open(Key::and_, 0, 0));
  while (!open_.empty()) {
    const auto value = source().take();
    if (!value) {
      if (open_.back().key != Key::and_ || is_fuzzy_) return base::fail("Missing argument");
      if (const auto place = open_.back().place) program_.nodes[*place].next = size();
      open_.pop_back();
      sources_.pop_back();
      ended();
    } else if (value->is_list()) {
      if (value->list().empty()) return base::fail("No search parameters inside list");
      sources_.push_back(value->list());
      TRY(open(Key::and_, 0, sources_.size() - 1));
    } else if (value->is_atom()) {
      TRY(key(value->text()));
    } else {
      return base::fail("Unexpected string as search key: " + ascii::printable(value->text()));
    }
  }
  return std::move(program_);
}

}  // namespace

Result<SearchProgram> SearchProgram::parse(Values values) { return Parser(values).run(); }

bool SearchProgram::uses(SearchKey key) const {
  return std::ranges::any_of(nodes, [key](const SearchNode& node) { return node.key == key; });
}

}  // namespace imap
