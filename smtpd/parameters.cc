#include "smtpd/parameters.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/mail/address.h"
#include "lib/mail/dsn_parameters.h"

namespace smtpd {
namespace {

constexpr std::size_t verp_size = 2;

// "NAME=value"; no '=' leaves `value` without data and `has_value` false.
struct Word {
  std::string_view name, value;
  bool has_value;
};

Word take_apart(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return {word, {}, false};
  return {word.substr(0, equals), word.substr(equals + 1), true};
}

bool is(std::string_view a, std::string_view b) { return ascii::equal_ignoring_case(a, b); }

std::unexpected<Reply> refuse(int code, std::string_view text) {
  return std::unexpected(Reply(code, std::string(text)));
}

std::unexpected<Reply> unsupported(std::string_view word) {
  return std::unexpected(Reply(555, fmt::format("5.5.4 Unsupported option: {}", word)));
}

// A number of bytes. What no file could hold is told from what is no number: `too_big`.
std::optional<std::uint64_t> parse_size(std::string_view text, bool& too_big) {
  const auto size = ascii::parse_number(text, INT64_MAX);
  too_big = !size && !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  return size;
}

}  // namespace

std::expected<MailParameters, Reply> parse_mail_parameters(std::span<const std::string_view> words,
                                                           const Announced& announced) {
  MailParameters out;
  for (const std::string_view word : words) {
    const auto [name, value, has_value] = take_apart(word);
    if (announced.eight_bit_mime && is(name, "BODY") && has_value && (is(value, "8BITMIME") || is(value, "7BIT"))) {
      out.body = is(value, "7BIT") ? Body::seven_bit : Body::eight_bit;
    } else if (is(name, "SIZE") && has_value) {
      bool too_big = false;
      const auto size = parse_size(value, too_big);
      if (too_big) return refuse(552, "5.3.4 Message size exceeds file system imposed limit");
      if (!size) return refuse(501, "5.5.4 Bad message size syntax");
      out.size = *size;
    } else if (announced.smtputf8 && is(word, "SMTPUTF8")) {
      out.smtputf8 = true;
    } else if (announced.require_tls && is(word, "REQUIRETLS")) {
      out.require_tls = true;
    } else if (!announced.verp_filter.empty() && is(name, "XVERP")) {
      out.verp = has_value ? value : announced.verp_default;
      if (out.verp.size() != verp_size || out.verp.find_first_not_of(announced.verp_filter) != std::string::npos) {
        return std::unexpected(
            Reply(501, fmt::format("5.5.4 Error: XVERP needs two characters from {}", announced.verp_filter)));
      }
    } else if (is(name, "AUTH") && has_value) {
      // RFC 4954 section 5: who is not authenticated may say this too; it then means nothing.
      if (value.empty() || !mail::decode_xtext(value)) return refuse(501, "5.5.4 Bad AUTH parameter syntax");
      if (value != "<>") out.auth_sender = value;
    } else if ((is(name, "RET") || is(name, "ENVID")) && has_value && !announced.dsn) {
      return refuse(501, "5.7.1 DSN support is disabled");
    } else if (is(name, "RET") && has_value) {
      const auto ret = mail::ret::parse(value);
      if (out.ret != 0 || !ret) return refuse(501, "5.5.4 Bad RET parameter syntax");
      out.ret = *ret;
    } else if (is(name, "ENVID") && has_value) {
      auto envid = mail::decode_xtext(value);
      if (!out.envid.empty() || !envid || envid->empty() || !base::is_utf8(*envid)) {
        return refuse(501, "5.5.4 Bad ENVID parameter syntax");
      }
      out.envid = std::move(*envid);
    } else {
      return unsupported(word);
    }
  }
  return out;
}

std::expected<RcptParameters, Reply> parse_rcpt_parameters(std::span<const std::string_view> words,
                                                           const Announced& announced) {
  RcptParameters out;
  for (const std::string_view word : words) {
    const auto [name, value, has_value] = take_apart(word);
    if ((is(name, "NOTIFY") || is(name, "ORCPT")) && has_value && !announced.dsn) {
      return refuse(501, "5.7.1 DSN support is disabled");
    }
    if (is(name, "NOTIFY") && has_value) {
      const auto flags = mail::notify::parse(value);
      if (!flags || out.notify != 0) return refuse(501, "5.5.4 Error: Bad NOTIFY parameter syntax");
      out.notify = *flags;
    } else if (is(name, "ORCPT") && has_value) {
      auto orcpt = mail::parse_orcpt(value);
      if (!orcpt || !out.orcpt.empty()) return refuse(501, "5.5.4 Error: Bad ORCPT parameter syntax");
      out.orcpt = std::move(*orcpt);
    } else {
      return unsupported(word);
    }
  }
  return out;
}

std::optional<UnknownNotify> find_unknown_notify(std::span<const std::string_view> words) {
  for (const std::string_view word : words) {
    const auto [name, value, has_value] = take_apart(word);
    if (!has_value) break;
    if (is(name, "ORCPT")) continue;
    if (!is(name, "NOTIFY")) break;
    for (const std::string_view what : ascii::split(value, ",")) {
      if (mail::notify::of_word(what) == 0) return UnknownNotify{what, value};
    }
  }
  return std::nullopt;
}

}  // namespace smtpd
