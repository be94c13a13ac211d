#pragma once
// What FETCH asks for (RFC 9051 section 6.4.5; RFC 3501 RFC822*; RFC 3516 BINARY; RFC 7162 MODSEQ; RFC 8970 PREVIEW; RFC 8514
// SAVEDATE; RFC 8474 EMAILID; Dovecot's X-GUID and like).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/imap/arguments.h"
#include "lib/imap/sequence_set.h"

namespace imap {

inline constexpr std::size_t fetch_items_limit = 256;          // of one FETCH (ATTACKS I03)
inline constexpr std::size_t section_depth_limit = 100;        // numbers of one section ("1.2.3")
inline constexpr std::size_t header_names_limit = 256;         // of one HEADER.FIELDS
inline constexpr std::size_t header_name_size_max = 1000;

enum class FetchAttribute : std::uint8_t {
  flags, internal_date, envelope, body, body_structure, rfc822_size, uid, modseq, preview, save_date, email_id, thread_id,
  x_guid, x_mailbox, x_real_uid, x_save_date,
  section,         // BODY[..], RFC822, RFC822.HEADER, RFC822.TEXT
  binary,          // BINARY[..]
  binary_size,     // BINARY.SIZE[..]
};

struct Section {
  enum class Text : std::uint8_t { whole, header, header_fields, header_fields_not, text, mime };
  std::vector<std::uint32_t> part;      // "1.2": empty is the message. 0, as any number may be, is a part that is not there
  Text text = Text::whole;
  std::vector<std::string> fields;      // of header_fields and header_fields_not, upper case, in the order they were asked
  // "<offset.size>", or "<offset>" to the end. May lie beyond the message; the sum does not overflow.
  struct Partial {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    bool operator==(const Partial&) const = default;
  };
  std::optional<Partial> partial;
  bool operator==(const Section&) const = default;

  // What stands between '[' and ']', without the names of fields. None when it is no section.
  static std::optional<Section> parse(std::string_view text);
  [[nodiscard]] bool wants_fields() const { return text == Text::header_fields || text == Text::header_fields_not; }
  // One more name. False when it cannot be one, or there are too many.
  [[nodiscard]] bool add_field(std::string_view name);
};

struct FetchItem {
  FetchAttribute attribute = FetchAttribute::flags;
  // PREVIEW: only if it costs nothing; as "(FUZZY text)", which SNIPPET always is.
  bool is_lazy = false, is_fuzzy = false;
  bool is_peek = true;      // does not set \Seen
  Section section;          // of section, binary, binary_size
  // What the response says before the value: "BODY[HEADER.FIELDS (SUBJECT)]<0>", "RFC822.HEADER", "FLAGS".
  std::string label;
  bool operator==(const FetchItem&) const = default;
};

// The items, each once, in the order in which Dovecot answers: as they were asked, but what is made of the message's text (structure,
// envelope, sections) after the rest. Macros are replaced.
struct FetchItems {
  std::vector<FetchItem> items;
  [[nodiscard]] bool has(FetchAttribute attribute) const;
  [[nodiscard]] bool sets_seen() const;
  // An attribute that the session adds, unless it is there: the last one before those of the text.
  void require(FetchAttribute attribute);

  // From a list, a macro or one item, which is taken off `values` ("BODY[HEADER.FIELDS (a b)]" is three of them). Fails with
  // the words for BAD.
  static Result<FetchItems> parse(Values& values);
};

struct FetchArguments {
  SequenceSet set;
  FetchItems items;
  std::optional<std::uint64_t> changed_since;   // RFC 7162; the items have MODSEQ then
  bool wants_vanished = false;                  // UID FETCH only, with changed_since

  // For UID FETCH the items begin with UID.
  static Result<FetchArguments> parse(Values values, Numbering numbering);
};

}  // namespace imap
