#include "lib/imap/fetch_items.h"

#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

using imap::FetchArguments;
using imap::FetchAttribute;
using imap::Numbering;
using imap::testing::arguments;
using imap::testing::verdict;

namespace {

// The labels, or the words for BAD.
std::string read(std::string_view text, Numbering numbering = Numbering::message) {
  const auto tree = arguments(text);
  const auto fetch = FetchArguments::parse(tree.values(), numbering);
  if (!fetch) return fetch.error().message();
  std::string out;
  for (const auto& item : fetch->items.items) out += (out.empty() ? "" : " ") + item.label;
  return out;
}

imap::FetchItem one(std::string_view text) {
  const auto tree = arguments("1 " + std::string(text));
  const auto fetch = FetchArguments::parse(tree.values(), Numbering::message);
  REQUIRE(fetch);
  REQUIRE(fetch->items.items.size() == 1);
  return fetch->items.items[0];
}

}  // namespace

TEST_CASE("items are told as they will be shown") {
  const struct { std::string_view says, seen; } table[] = {
      {"1 ALL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"},
      {"1 fast", "FLAGS INTERNALDATE RFC822.SIZE"},
      {"1 FULL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY"},
      {"1 (uid flags internaldate)", "UID FLAGS INTERNALDATE"},
      {"1 (BODY BODYSTRUCTURE BODY[])", "BODY BODYSTRUCTURE BODY[]"},
      {"1 (BODY[] BODY.PEEK[] FLAGS FLAGS)", "FLAGS BODY[]"},
      {"1 (RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)", "RFC822.SIZE RFC822 RFC822.HEADER RFC822.TEXT"},
      {"1 BODY[HEADER.FIELDS (Subject to)]", "BODY[HEADER.FIELDS (SUBJECT TO)]"},
      {"1 BODY.PEEK[1.2.HEADER.FIELDS.NOT (\"To\" \"A-B\")]<3.4>", "BODY[1.2.HEADER.FIELDS.NOT (TO A-B)]<3>"},
      {"1 (body[header.fields ( \"sub\\\"x\" to )] rfc822.text)", "BODY[HEADER.FIELDS (\"SUB\\\"X\" TO)] RFC822.TEXT"},
      {"1 (BODY[HEADER.FIELDS (A)]<0.1> BODY[TEXT])", "BODY[HEADER.FIELDS (A)]<0> BODY[TEXT]"},
      {"1 BODY[header]<0.3>", "BODY[HEADER]<0>"},
      {"1 BODY[]<5>", "BODY[]<5>"},
      {"1 BODY[0]", "BODY[0]"},
      {"1 BODY[4294967296.1]", "BODY[4294967296.1]"},
      {"1 (BINARY[1]<0.2> BINARY.PEEK[] BINARY.SIZE[1.2])", "BINARY[1]<0> BINARY[] BINARY.SIZE[1.2]"},
      {"1 PREVIEW", "PREVIEW"},
      {"1 PREVIEW (LAZY)", "PREVIEW"},
      {"1 (PREVIEW (LAZY) UID)", "PREVIEW UID"},
      {"1 (SNIPPET (LAZY=FUZZY) UID)", "SNIPPET UID"},
      {"1 (SAVEDATE EMAILID THREADID MODSEQ X-GUID X-MAILBOX X-REAL-UID X-SAVEDATE)", "SAVEDATE EMAILID THREADID MODSEQ X-GUID X-MAILBOX X-REAL-UID X-SAVEDATE"},
      {"1 FLAGS (CHANGEDSINCE 1)", "FLAGS MODSEQ"},
      {"1 (FLAGS ENVELOPE) (CHANGEDSINCE 1)", "FLAGS MODSEQ ENVELOPE"},
      {"1 (BODY[1]<0.1> X-GUID ENVELOPE INTERNALDATE UID RFC822.SIZE BODY FLAGS)", "X-GUID INTERNALDATE UID RFC822.SIZE FLAGS BODY[1]<0> ENVELOPE BODY"},
      {"1 (FLAGS MODSEQ) (CHANGEDSINCE 0)", "FLAGS MODSEQ"},
      {"1 FLAGS ()", "FLAGS"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    CHECK(read(row.says) == row.seen);
  }
  CHECK(read("1 FLAGS (CHANGEDSINCE 1 VANISHED)", Numbering::uid) == "UID FLAGS MODSEQ");
  CHECK(read("1 (BODY[] UID FLAGS)", Numbering::uid) == "UID FLAGS BODY[]");
}

TEST_CASE("what is no FETCH is told in Dovecot's words") {
  const struct { std::string_view says, seen; } table[] = {
      {"", "Invalid arguments"},
      {"1", "Invalid arguments"},
      {"x FLAGS", "Invalid messageset"},
      {"1 FOO", "Unknown parameter: FOO"},
      {"1 ()", "FETCH list is empty"},
      {"1 (FLAGS FOO)", "Unknown parameter: FOO"},
      {"1 (FAST UID)", "Unknown parameter: FAST"},
      {"1 (FLAGS (X))", "FETCH list contains non-atoms"},
      {"1 \"FLAGS\"", "Invalid arguments"},
      {"1 FLAGS x", "Invalid arguments"},
      {"1 FLAGS UID", "Invalid arguments"},
      {"1 BODY[", "Invalid BODY[..] parameter: Missing ']'"},
      {"1 BODY[HEADER.FIELDS (x)", "Invalid BODY[..] parameter: Missing ']'"},
      {"1 BODY[FOO]", "Invalid BODY[..] section"},
      {"1 BODY[1.]", "Invalid BODY[..] section"},
      {"1 BODY[.1]", "Invalid BODY[..] section"},
      {"1 BODY[MIME]", "Invalid BODY[..] section"},
      {"1 BODY[TEXT.1]", "Invalid BODY[..] section"},
      {"1 BODY[HEADER.FIELDS]", "Invalid BODY[..] section"},
      {"1 BODY[HEADER.FIELDS ()]", "Invalid BODY[..] section"},
      {"1 BODY[HEADER (x)]", "Invalid BODY[..] section"},
      {"1 BODY[HEADER.FIELDS (\"\xc3\xa9\")]", "Invalid BODY[..] section"},
      {"1 BODY[]<x.1>", "Invalid BODY[..] parameter: Too big partial start"},
      {"1 BODY[]<18446744073709551615.1>", "Invalid BODY[..] parameter: Too big partial start"},
      {"1 BODY[]<1.99999999999999999999999>", "Invalid BODY[..] parameter: Too big partial end"},
      {"1 BODY[]<1.1", "Invalid BODY[..] parameter: Missing '>' in partial"},
      {"1 BODY[]x", "Invalid BODY[..] parameter: Unexpected data after ']'"},
      {"1 BODY.PEEK", "Invalid BODY[..] parameter: Missing '['"},
      {"1 BINARY", "Invalid BINARY[..] parameter: Missing '['"},
      {"1 BINARY[TEXT]", "Invalid BINARY[..] section"},
      {"1 BINARY.SIZE[1]<0.1>", "Invalid BINARY[..] parameter: Unexpected data after ']'"},
      {"1 RFC822.PEEK", "Unknown parameter RFC822.PEEK"},
      {"1 FOO[]", "Unknown parameter: FOO"},
      {"1 (PREVIEW (FOO))", "'FOO' is not a supported PREVIEW modifier"},
      {"1 FLAGS (CHANGEDSINCE x)", "Invalid CHANGEDSINCE modseq"},
      {"1 FLAGS (CHANGEDSINCE)", "Invalid CHANGEDSINCE modseq"},
      {"1 FLAGS (CHANGEDSINCE 9223372036854775808)", "Invalid CHANGEDSINCE modseq"},
      {"1 FLAGS (VANISHED)", "Unknown FETCH modifier"},
      {"1 FLAGS (FOO)", "Unknown FETCH modifier"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    CHECK(read(row.says) == row.seen);
  }
  CHECK(read("1 FLAGS (VANISHED)", Numbering::uid) == "VANISHED used without CHANGEDSINCE");
}

TEST_CASE("a section has its parts") {
  using Text = imap::Section::Text;
  const auto item = one("BODY.PEEK[1.20.HEADER.FIELDS (To)]<3.4>");
  CHECK(item.attribute == FetchAttribute::section);
  CHECK(item.is_peek);
  CHECK(item.section.part == std::vector<std::uint32_t>{1, 20});
  CHECK(item.section.text == Text::header_fields);
  CHECK(item.section.fields == std::vector<std::string>{"TO"});
  CHECK(item.section.partial == imap::Section::Partial{.offset = 3, .size = 4});
  CHECK_FALSE(one("BODY[]").is_peek);
  CHECK_FALSE(one("RFC822").is_peek);
  CHECK_FALSE(one("RFC822.TEXT").is_peek);
  CHECK(one("RFC822.HEADER").is_peek);
  CHECK(one("RFC822.HEADER").section.text == Text::header);
  CHECK_FALSE(one("BINARY[1]").is_peek);
  CHECK(one("BINARY.SIZE[1]").attribute == FetchAttribute::binary_size);
  CHECK(one("BODY[1.MIME]").section.text == Text::mime);
  CHECK(one("BODY[99999999999]").section.part == std::vector<std::uint32_t>{UINT32_MAX});
  CHECK(one("BODY[]<7>").section.partial->size == INT64_MAX);
  CHECK((one("PREVIEW (LAZY)").is_lazy && !one("PREVIEW (LAZY)").is_fuzzy));
  CHECK(one("SNIPPET").is_fuzzy);
}

TEST_CASE("what is asked has limits") {
  std::string text = "1 (";
  for (std::size_t i = 0; i < imap::fetch_items_limit; ++i) text += "BODY[" + std::to_string(i) + "] ";
  CHECK(read(text + ")").ends_with("BODY[255]"));
  CHECK(read(text + "UID)") == "Too many FETCH items");
  std::string part = "1";
  for (std::size_t i = 1; i < imap::section_depth_limit; ++i) part += ".1";
  CHECK(read("1 BODY[" + part + "]") == "BODY[" + part + "]");
  CHECK(read("1 BODY[" + part + ".1]") == "Invalid BODY[..] section");
  std::string names;
  for (std::size_t i = 0; i < imap::header_names_limit; ++i) names += "a ";
  CHECK(read("1 BODY[HEADER.FIELDS (" + names + ")]").starts_with("BODY["));
  CHECK(read("1 BODY[HEADER.FIELDS (" + names + "a)]") == "Invalid BODY[..] section");
}
