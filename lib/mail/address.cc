#include "lib/mail/address.h"

#include <array>

#include <arpa/inet.h>

#include "lib/base/ascii.h"
#include "lib/base/host_name.h"
#include "lib/base/utf8.h"

namespace mail {
namespace {

constexpr std::string_view specials = "()<>[]:;@\\,.\"";  // RFC 5322 section 3.2.3

bool is_atom_text(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || (ascii::is_printable(c) && c != ' ' && !specials.contains(c));
}

bool is_dot_atom(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.' || text.contains("..")) return false;
  for (const char c : text) {
    if (c != '.' && !is_atom_text(c)) return false;
  }
  return true;
}

// Local parts with a meaning of their own, which have no extension.
bool is_indivisible(std::string_view local, const Delimiters& delimiters) {
  for (const std::string_view name : {"postmaster", "mailer-daemon", "double-bounce"}) {
    if (ascii::equal_ignoring_case(local, name)) return true;
  }
  if (!delimiters.owner_request_special || !delimiters.characters.contains('-')) return false;
  constexpr std::string_view request = "-request";
  return ascii::starts_with_ignoring_case(local, "owner-") ||
         (local.size() >= request.size() && ascii::equal_ignoring_case(local.substr(local.size() - request.size()), request));
}

bool is_ipv4(const std::string& text) {
  std::array<unsigned char, 4> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1;
}

bool is_address_literal(std::string_view domain) {
  const std::string text(domain.substr(1, domain.size() - 2));
  std::array<unsigned char, 16> bytes{};
  constexpr std::string_view tag = "IPv6:";
  if (ascii::starts_with_ignoring_case(text, tag)) return inet_pton(AF_INET6, text.c_str() + tag.size(), bytes.data()) == 1;
  return is_ipv4(text);
}

bool is_valid_domain(std::string_view domain, const PathRules& rules) {
  if (domain.empty()) return rules.allow_null_domain;
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') return is_address_literal(domain);
  bool ascii_only = true;
  std::string as_ascii(domain);
  for (char& c : as_ascii) {
    if (static_cast<unsigned char>(c) < 0x80) continue;
    ascii_only = false;
    c = 'u';
  }
  if (rules.allow_numeric_domain && is_ipv4(as_ascii)) return true;
  return (ascii_only || rules.allow_utf8) && is_valid_hostname(as_ascii);
}

// One pass over a path without its angle brackets: quotes and escapes are taken away, comments and the space around
// '.' and '@' dropped. No recursion: comments are counted.
class PathReader {
 public:
  explicit PathReader(std::string_view text) : text_(text) {}

  Result<void> read() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (ascii::is_space(c)) {
        space_ = true;
        ++at_;
      } else if (c == '(') {
        TRY(skip_comment());
      } else if (c == '"') {
        TRY(word_starts());
        TRY(quoted_string());
      } else if (c == '[') {
        TRY(word_starts());
        TRY(literal());
      } else if (c == '<' || c == '>' || c == ',' || c == ';' || c == ']' || c == ')') {
        return base::fail("unexpected character");
      } else {
        TRY(character(c));
      }
    }
    return {};
  }

  [[nodiscard]] std::string internal() && { return std::move(out_); }
  [[nodiscard]] std::size_t separator() const { return separator_; }
  [[nodiscard]] bool has_comment() const { return has_comment_; }

 private:
  // Two words with space between them are not one address.
  Result<void> word_starts() {
    if (space_ && !out_.empty() && !after_operator_) return base::fail("more than one address");
    space_ = false;
    after_operator_ = false;
    return {};
  }

  Result<void> character(char c) {
    if (c == '@' || c == '.') {
      if (c == '@' && out_.ends_with('@') && separator_ + 1 == out_.size()) return base::fail("nothing between two @");
      if (c == '@') separator_ = out_.size();
      out_ += c;
      space_ = false;
      after_operator_ = true;
      after_quotes_ = false;
      ++at_;
      return {};
    }
    if (after_quotes_) return base::fail("text after a quoted string");
    TRY(word_starts());
    if (c == '\\' && ++at_ == text_.size()) return base::fail("backslash at the end");
    out_ += text_[at_++];
    return {};
  }

  Result<void> quoted_string() {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        after_quotes_ = true;
        return {};
      }
      if (text_[at_] == '\\' && ++at_ == text_.size()) break;
      out_ += text_[at_];
    }
    return base::fail("quoted string without end");
  }

  Result<void> literal() {
    const std::size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) return base::fail("address literal without end");
    out_ += text_.substr(at_, end + 1 - at_);
    at_ = end + 1;
    return {};
  }

  Result<void> skip_comment() {
    has_comment_ = true;
    std::size_t depth = 0;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') ++at_;
      else if (text_[at_] == '(') ++depth;
      else if (text_[at_] == ')' && --depth == 0) break;
    }
    if (at_ >= text_.size()) return base::fail("comment without end");
    ++at_;
    space_ = true;
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  std::size_t separator_ = std::string::npos;  // of the last '@' that is not quoted
  bool space_ = false, after_operator_ = false, has_comment_ = false;
  bool after_quotes_ = false;   // a quoted string is a word of its own: nothing of the local part sticks to it
};

// The text without its angle brackets. Postfix takes doubled brackets as one pair.
Result<std::string_view> without_brackets(std::string_view path, bool strict) {
  path = ascii::trim(path);
  const bool opened = path.starts_with('<');
  const bool closed = path.ends_with('>');
  if (opened && !closed) return base::fail("missing >");
  if (strict && !(opened && closed)) return base::fail("missing angle brackets");
  while (path.starts_with('<')) path.remove_prefix(1);
  while (path.ends_with('>')) path.remove_suffix(1);
  return ascii::trim(path);
}

int hex_digit(char c) {
  if (ascii::is_digit(c)) return c - '0';
  const char lower = ascii::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::string quote_local(std::string_view local) {
  if (is_dot_atom(local)) return std::string(local);
  std::string out = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\' || c == '\r' || c == '\n') out += '\\';
    out += c;
  }
  out += '"';
  return out;
}

std::string to_external(std::string_view internal) {
  if (internal.empty()) return {};
  const AddressParts parts = split(internal);
  std::string out = quote_local(parts.local);
  if (parts.has_domain) {
    out += '@';
    out += parts.domain;
  }
  return out;
}

std::string to_internal(std::string_view external) {
  std::string out;
  out.reserve(external.size());
  for (std::size_t i = 0; i < external.size(); ++i) {
    if (external[i] == '"') continue;
    if (external[i] == '\\' && i + 1 < external.size()) ++i;
    out += external[i];
  }
  return out;
}

AddressParts split(std::string_view internal) {
  const std::size_t at = internal.rfind('@');
  if (at == std::string_view::npos) return {internal, {}, false};
  return {internal.substr(0, at), internal.substr(at + 1), true};
}

LocalParts split_extension(std::string_view local, const Delimiters& delimiters) {
  const std::size_t at = local.find_first_of(delimiters.characters);
  if (at == std::string_view::npos || at == 0 || at + 1 == local.size() || is_indivisible(local, delimiters)) {
    return {local, {}, false};
  }
  return {local.substr(0, at), local.substr(at + 1), true};
}

Result<std::string> parse_path(std::string_view path, const PathRules& rules) {
  using std::string_view_literals::operator""sv;
  if (path.find_first_of("\0\r\n"sv) != std::string_view::npos) return base::fail("line break or NUL in address");
  std::string_view text = TRY(without_brackets(path, rules.strict_envelopes));
  // A source route (RFC 5321 appendix C) is accepted and forgotten.
  if (text.starts_with('@')) {
    if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) text.remove_prefix(colon + 1);
  }
  PathReader reader(text);
  TRY(reader.read());
  if (rules.strict_envelopes && reader.has_comment()) return base::fail("comment in address");
  const std::size_t separator = reader.separator();
  std::string internal = std::move(reader).internal();
  if (internal.empty()) return internal;
  if (rules.allow_utf8 && !base::is_utf8(internal)) return base::fail("address is not valid UTF-8");
  if (internal.starts_with('-') && !rules.allow_min_user) return base::fail("begins like an option of a command");
  if (separator != std::string::npos) {
    if (rules.strict_envelopes && separator == 0) return base::fail("empty local part");
    if (!is_valid_domain(std::string_view(internal).substr(separator + 1), rules)) return base::fail("bad domain");
  }
  return internal;
}

Result<std::string> decode_xtext(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') {
      if (i + 2 >= text.size()) return base::fail("xtext ends within an escape");
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return base::fail("xtext has a bad escape");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (ascii::is_control(c)) return base::fail("xtext has a control character");
    out += c;
  }
  return out;
}

std::string encode_xtext(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '+' && c != '=') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '+';
      out += digits[byte >> 4];
      out += digits[byte & 0xf];
    }
  }
  return out;
}

bool is_valid_hostname(std::string_view name) { return base::is_host_name(name); }

}  // namespace mail
