#pragma once
// What the server says (RFC 9051 section 7), appended to a string that is written to the client. Peer data never breaks a line:
// what cannot be quoted becomes a literal.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/imap/date_time.h"
#include "lib/imap/flag_list.h"
#include "lib/imap/mailbox_arguments.h"
#include "lib/imap/sequence_set.h"

namespace imap {

// Longer strings are literals.
inline constexpr std::size_t quoted_size_max = 4096;

// Quoted if it needs no backslash and is ASCII without tabs and line ends, else a literal; empty is "". NUL, which no string can
// have, becomes byte 0x80.
void append_string(std::string& out, std::string_view text);
// An atom if it can be one, else quoted, with backslashes where needed. Valid UTF-8 may be quoted, as names are after ENABLE.
void append_astring(std::string& out, std::string_view text);
void append_nil(std::string& out);
void append_literal(std::string& out, std::string_view text);
void append_literal_header(std::string& out, std::uint64_t size);    // "{n}" CR LF; the bytes follow
void append_literal8_header(std::string& out, std::uint64_t size);   // "~{n}" CR LF
void append_date_time(std::string& out, const DateTime& date);       // with quotes
void append_quoted_or_nil(std::string& out, std::string_view text);  // NIL for an empty text

// "(a b)": the blanks between what is appended.
class ListWriter {
 public:
  explicit ListWriter(std::string& out);     // writes '('
  // A blank, but not before the first value: call it before each.
  std::string& item();
  void atom(std::string_view text) { item() += text; }
  void close();                              // ')'

 private:
  std::string& out_;
  bool is_first_ = true;
};

// "(\Answered \Seen $Forwarded)" in Dovecot's order: system flags, then keywords; \Recent is last.
void append_flags(std::string& out, std::uint8_t system, std::span<const std::string> keywords);

enum class Status : std::uint8_t { ok, no, bad, bye, preauth };
// A status response: "TAG OK [CODE] text" CR LF. Tag "*" is untagged; an empty tag too. `code` is without brackets and may be
// empty; line ends and control characters of `text` become blanks.
void append_status(std::string& out, std::string_view tag, Status status, std::string_view code, std::string_view text);
// "TAG BAD Error in IMAP command NAME: text", and as Dovecot words it where there is no name, or no tag.
void append_syntax_error(std::string& out, std::string_view tag, std::string_view name, std::string_view text);

// "* text" CR LF.
void append_untagged(std::string& out, std::string_view text);
// "* 23 EXISTS"
void append_number(std::string& out, std::uint64_t number, std::string_view name);
// "* VANISHED (EARLIER) 1:3"; nothing for an empty set. Several lines when the set is long.
enum class Vanished : std::uint8_t { now, earlier };
void append_vanished(std::string& out, Vanished when, const NumberSet& uids);

// "* SEARCH 1 2 3", or with the last modseq "* SEARCH 1 2 (MODSEQ 5)"; also "* SORT".
void append_search(std::string& out, std::string_view name, std::span<const std::uint32_t> numbers, std::uint64_t modseq);

// "* ESEARCH (TAG "a1") UID MIN 1 MAX 9 ALL 1:3 COUNT 4" CR LF, piece by piece.
class EsearchWriter {
 public:
  EsearchWriter(std::string& out, std::string_view tag, Numbering numbering);
  void number(std::string_view name, std::uint64_t value);     // MIN, MAX, COUNT, MODSEQ
  void set(std::string_view name, std::string_view set);       // ALL; not for an empty set
  void partial(std::string_view range, std::string_view set);  // PARTIAL (1:500 set); NIL for an empty set
  void relevancy(std::size_t count);                           // RELEVANCY (1 1 1): nobody knows which fits better (RFC 6203)
  void update(std::string_view name, std::string_view set);    // ADDTO (0 set), REMOVEFROM: at no place in particular (RFC 5267)
  void close();

 private:
  std::string& out_;
};

// "* STATUS name (MESSAGES 1 ..)": values by item.
class StatusWriter {
 public:
  // `name` as encode_mailbox_name gives it.
  StatusWriter(std::string& out, std::string_view name);
  void number(StatusItem item, std::uint64_t value);
  void text(StatusItem item, std::string_view value);   // as it is: "(id)" of MAILBOXID, NIL, an X-GUID
  void close();

 private:
  static std::string& begun(std::string& out, std::string_view name);
  std::string& out_;
  ListWriter list_;
};

// "* LIST (\HasNoChildren) "/" name" without the end of the line, so that extended data may follow.
void append_list(std::string& out, std::string_view command, std::span<const std::string_view> attributes, char separator,
                 std::string_view name);

}  // namespace imap
