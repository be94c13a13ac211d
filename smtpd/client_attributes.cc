#include "smtpd/client_attributes.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/io/socket.h"
#include "lib/mail/address.h"
#include "smtpd/received.h"

namespace smtpd {
namespace {

using Value = std::optional<std::string>;   // none: not of its attribute's syntax

// The longest value as it was sent, and the longest port and protocol.
constexpr std::size_t value_limit = 255, port_digits = 5, protocol_limit = 64;

constexpr std::string_view unavailable = "[UNAVAILABLE]", unavailable_now = "[TEMPUNAVAIL]";
constexpr std::string_view v6_prefix = "IPV6:";

// Which verb knows the attribute.
constexpr unsigned for_xclient = 1, for_xforward = 2;

struct Row {
  std::string_view text;
  ClientAttribute attribute;
  unsigned verbs;
};

// In the order of the announcements.
constexpr Row rows[] = {
    {"NAME", ClientAttribute::name, for_xclient | for_xforward},
    {"ADDR", ClientAttribute::address, for_xclient | for_xforward},
    {"PROTO", ClientAttribute::protocol, for_xclient | for_xforward},
    {"HELO", ClientAttribute::helo, for_xclient | for_xforward},
    {"REVERSE_NAME", ClientAttribute::reverse_name, for_xclient},
    {"SOURCE", ClientAttribute::source, for_xforward},
    {"PORT", ClientAttribute::port, for_xclient | for_xforward},
    {"IDENT", ClientAttribute::ident, for_xforward},
    {"LOGIN", ClientAttribute::login, for_xclient},
    {"DESTADDR", ClientAttribute::server_address, for_xclient},
    {"DESTPORT", ClientAttribute::server_port, for_xclient},
};

constexpr unsigned bit_of(ClientVerb verb) { return verb == ClientVerb::xclient ? for_xclient : for_xforward; }
constexpr std::string_view name_of(ClientVerb verb) { return verb == ClientVerb::xclient ? "XCLIENT" : "XFORWARD"; }

std::unexpected<Reply> refuse(std::string text) { return std::unexpected(Reply(501, "5.5.4 " + std::move(text))); }

// Not mail::decode_xtext: control characters are no error here but become '?'.
std::optional<std::string> decode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '+') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const std::size_t high = digits.find(ascii::to_upper(text[i + 1])), low = digits.find(ascii::to_upper(text[i + 2]));
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return ascii::printable(out);
}

Value host_name(std::string_view text) {
  if (!mail::is_valid_hostname(text)) return std::nullopt;
  return std::string(text);
}

// "192.0.2.1" or "IPV6:2001:db8::1".
Value address(std::string_view text, dns::Families families) {
  const bool is_v6 = ascii::starts_with_ignoring_case(text, v6_prefix);
  if (is_v6) text.remove_prefix(v6_prefix.size());
  if (is_v6 != text.contains(':')) return std::nullopt;
  const auto parsed = io::Address::parse(text);
  if (!parsed || !dns::wants(families, is_v6)) return std::nullopt;
  return parsed->text();
}

Value port(std::string_view text) {
  if (text.empty() || text.size() > port_digits || !std::ranges::all_of(text, ascii::is_digit)) return std::nullopt;
  return std::string(text);
}

Value protocol(ClientVerb verb, std::string_view text) {
  if (verb == ClientVerb::xforward) return text.size() > protocol_limit ? Value() : Value(neutral_helo(text));
  const std::string capitals = ascii::uppercase(text);
  if (capitals != "SMTP" && capitals != "ESMTP") return std::nullopt;
  return capitals;
}

Value source(std::string_view text) {
  std::string word = ascii::lowercase(text);
  if (word != "local" && word != "remote") return std::nullopt;
  return word;
}

Value parse_value(ClientVerb verb, ClientAttribute attribute, std::string_view text, dns::Families families) {
  switch (attribute) {
    case ClientAttribute::name:
    case ClientAttribute::reverse_name: return host_name(text);
    case ClientAttribute::address:
    case ClientAttribute::server_address: return address(text, families);
    case ClientAttribute::port:
    case ClientAttribute::server_port: return port(text);
    case ClientAttribute::protocol: return protocol(verb, text);
    case ClientAttribute::helo:
    case ClientAttribute::ident: return neutral_helo(text);
    case ClientAttribute::login: return std::string(text);
    case ClientAttribute::source: break;
  }
  return source(text);
}

bool means_unavailable(ClientVerb verb, ClientAttribute attribute, std::string_view text) {
  const bool must_be_known = verb == ClientVerb::xclient && attribute == ClientAttribute::protocol;
  return !must_be_known && ascii::equal_ignoring_case(text, unavailable);
}

bool means_unavailable_now(ClientVerb verb, ClientAttribute attribute, std::string_view text) {
  const bool is_name = attribute == ClientAttribute::name || attribute == ClientAttribute::reverse_name;
  return verb == ClientVerb::xclient && is_name && ascii::equal_ignoring_case(text, unavailable_now);
}

std::expected<ClientFact, Reply> parse_fact(ClientVerb verb, std::string_view word, dns::Families families) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos || equals + 1 == word.size()) return refuse("Error: attribute=value expected");
  const std::string_view name = word.substr(0, equals), raw = word.substr(equals + 1);
  if (raw.size() > value_limit) return refuse("Error: attribute value too long");
  const auto* const row = std::ranges::find_if(
      rows, [&](const Row& r) { return (r.verbs & bit_of(verb)) != 0 && ascii::equal_ignoring_case(r.text, name); });
  if (row == std::end(rows)) return refuse(fmt::format("Bad {} attribute name: {}", name_of(verb), name));
  const auto text = decode(raw);
  if (!text) return refuse(fmt::format("Bad {} syntax: {}", row->text, raw));
  if (means_unavailable(verb, row->attribute, *text)) return ClientFact{row->attribute, std::nullopt};
  if (means_unavailable_now(verb, row->attribute, *text)) return ClientFact{row->attribute, std::nullopt, true};
  Value value = parse_value(verb, row->attribute, *text, families);
  if (!value) return refuse(fmt::format("Bad {} syntax: {}", row->text, *text));
  return ClientFact{row->attribute, std::move(value)};
}

}  // namespace

std::string attribute_names(ClientVerb verb) {
  std::string out(name_of(verb));
  for (const Row& row : rows) {
    if ((row.verbs & bit_of(verb)) != 0) out += fmt::format(" {}", row.text);
  }
  return out;
}

std::expected<std::vector<ClientFact>, Reply> parse_client_facts(ClientVerb verb, std::span<const std::string_view> words,
                                                                 dns::Families families) {
  if (words.empty()) return refuse(fmt::format("Syntax: {} attribute=value...", name_of(verb)));
  std::vector<ClientFact> facts;
  for (const std::string_view word : words) {
    auto fact = parse_fact(verb, word, families);
    if (!fact) return std::unexpected(std::move(fact).error());
    facts.push_back(std::move(*fact));
  }
  return facts;
}

}  // namespace smtpd
