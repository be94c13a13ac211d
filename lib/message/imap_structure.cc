#include "lib/message/imap_structure.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/message/fields.h"
#include "lib/message/parameters.h"

namespace message {
namespace {

constexpr std::ptrdiff_t escape_limit = 4;  // of a quoted string; more make a literal easier to read

bool must_be_escaped(char c) { return c == '"' || c == '\\'; }
bool is_line_end(char c) { return c == '\r' || c == '\n'; }

void append_literal(std::string& out, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "{{{}}}\r\n", text.size());
  out += text;
}

// Text that people read: with one blank where there is space. What has more than words and blanks becomes a literal.
void append_human(std::string& out, const NString& text) {
  if (!text) return append_nstring(out, text);
  std::string words;
  bool is_plain = ascii::is_ascii(*text) && !text->ends_with(' ');
  bool has_space = true;
  for (const char c : *text) {
    const bool is_space = c == ' ' || c == '\t' || is_line_end(c);
    if (must_be_escaped(c) || c == '\0' || (is_space && (has_space || c != ' '))) is_plain = false;
    if (c == '\0') words += replacement;
    else if (!is_space) words += c;
    else if (!has_space) words += ' ';
    has_space = is_space;
  }
  if (words.ends_with(' ')) words.pop_back();
  if (is_plain) append_string(out, words);
  else append_literal(out, words);
}

void append_addresses(std::string& out, const std::vector<Address>& addresses) {
  if (addresses.empty()) {
    out += "NIL";
    return;
  }
  out += '(';
  for (const Address& address : addresses) {
    out += '(';
    append_human(out, address.name);
    for (const NString* part : {&address.route, &address.mailbox, &address.host}) {
      out += ' ';
      append_nstring(out, *part);
    }
    out += ')';
  }
  out += ')';
}

class StructureWriter {
 public:
  StructureWriter(std::string& out, std::string_view message, const Parts& parts, StructureForm form)
      : out_(out), message_(message), parts_(parts), is_extended_(form == StructureForm::bodystructure) {}

  // Recurses at most as deep as the parts, for which PartLimits has a limit.
  void part(std::size_t place) {
    out_ += '(';
    const std::string_view header = parts_[place].header.of(message_);
    if (parts_[place].kind == Kind::multipart) multipart(place, header);
    else leaf(place, header);
    out_ += ')';
  }

 private:
  void multipart(std::size_t place, std::string_view header) {
    for (std::size_t child = place + 1; child < parts_[place].end; child = parts_[child].end) part(child);
    // A multipart must have a part.
    if (!parts_.has_children(place)) out_ += is_extended_ ? R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL))"
                                                          : R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0))";
    const auto value = find_field(header, "Content-Type");
    const ContentType type = value ? parse_content_type(*value) : ContentType{};
    out_ += ' ';
    append_string(out_, type.subtype);
    if (!is_extended_) return;
    out_ += ' ';
    parameters(type.parameters);
    extension(header);
  }

  void leaf(std::size_t place, std::string_view header) {
    const Part& part = parts_[place];
    const auto value = find_field(header, "Content-Type");
    ContentType type{.type = part.type, .subtype = part.subtype, .parameters = {}};
    if (value) type = parse_content_type(*value);
    // What would be a container but is too deep cannot be shown as one.
    if (part.kind == Kind::leaf && (part.type == "multipart" || (part.type == "message" && part.subtype == "rfc822"))) {
      type.type = "application";
      type.subtype = "octet-stream";
    }
    if (part.is_text() && type.parameters.find("charset") == nullptr) type.parameters.all.emplace_back("charset", "us-ascii");
    append_string(out_, type.type);
    out_ += ' ';
    append_string(out_, type.subtype);
    out_ += ' ';
    parameters(type.parameters);
    text(header, "Content-ID");
    text(header, "Content-Description");
    const auto encoding = find_field(header, "Content-Transfer-Encoding");
    out_ += ' ';
    append_string(out_, (encoding ? parse_encoding(*encoding) : std::nullopt).value_or("7bit"));
    fmt::format_to(std::back_inserter(out_), " {}", part.body.wire_size);
    if (part.kind == Kind::message) {
      out_ += ' ';
      append_envelope(out_, Envelope::parse(parts_[place + 1].header.of(message_)));
      out_ += ' ';
      this->part(place + 1);
    }
    if (part.kind == Kind::message || part.is_text()) fmt::format_to(std::back_inserter(out_), " {}", part.body.lines);
    if (!is_extended_) return;
    text(header, "Content-MD5");
    extension(header);
  }

  void extension(std::string_view header) {
    if (const auto value = find_field(header, "Content-Disposition")) {
      const Disposition disposition = parse_disposition(*value);
      out_ += " (";
      append_string(out_, disposition.value);
      out_ += ' ';
      parameters(disposition.parameters);
      out_ += ')';
    } else {
      out_ += " NIL";
    }
    const auto value = find_field(header, "Content-Language");
    const std::vector<std::string> languages = value ? parse_languages(*value) : std::vector<std::string>();
    out_ += languages.empty() ? " NIL" : " (";
    for (std::size_t i = 0; i < languages.size(); ++i) {
      if (i > 0) out_ += ' ';
      append_string(out_, languages[i]);
    }
    if (!languages.empty()) out_ += ')';
    text(header, "Content-Location");
  }

  void text(std::string_view header, std::string_view name) {
    const auto value = find_field(header, name);
    out_ += ' ';
    append_nstring(out_, value ? NString(one_line(*value)) : std::nullopt);
  }

  void parameters(const Parameters& parameters) {
    if (parameters.all.empty()) {
      out_ += "NIL";
      return;
    }
    char before = '(';
    for (const auto& [name, value] : parameters.all) {
      out_ += before;
      append_string(out_, name);
      out_ += ' ';
      append_string(out_, value);
      before = ' ';
    }
    out_ += ')';
  }

  std::string& out_;
  std::string_view message_;
  const Parts& parts_;
  bool is_extended_;
};

}  // namespace

void append_string(std::string& out, std::string_view text) {
  std::ptrdiff_t escapes = 0;
  bool fits = true;
  for (const char c : text) {
    escapes += must_be_escaped(c) ? 1 : 0;
    fits = fits && c != '\0' && static_cast<unsigned char>(c) < 0x80 && !is_line_end(c);
  }
  if (!fits || escapes > escape_limit) return append_literal(out, text);
  out += '"';
  if (escapes == 0) out += text;
  for (std::size_t at = 0; escapes > 0 && at < text.size(); ++at) {
    if (must_be_escaped(text[at])) out += '\\';
    out += text[at];
  }
  out += '"';
}

void append_nstring(std::string& out, const NString& text) {
  if (text) append_string(out, *text);
  else out += "NIL";
}

void append_envelope(std::string& out, const Envelope& envelope) {
  out += '(';
  append_nstring(out, envelope.date);
  out += ' ';
  append_human(out, envelope.subject);
  for (const auto* addresses : {&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc}) {
    out += ' ';
    append_addresses(out, *addresses);
  }
  for (const NString* text : {&envelope.in_reply_to, &envelope.message_id}) {
    out += ' ';
    append_nstring(out, *text);
  }
  out += ')';
}

void append_structure(std::string& out, std::string_view message, const Parts& parts, StructureForm form) {
  StructureWriter(out, message, parts, form).part(0);
}

}  // namespace message
