#include "smtpd/parameters.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"

namespace smtpd {
namespace {

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

struct NotifyWord {
  std::string_view name;
  int flag;
};
constexpr NotifyWord notify_words[] = {{"NEVER", notify::never},
                                       {"SUCCESS", notify::success},
                                       {"FAILURE", notify::failure},
                                       {"DELAY", notify::delay}};

// 0 for a word that is none.
int notify_flag(std::string_view word) {
  for (const NotifyWord& known : notify_words) {
    if (is(word, known.name)) return known.flag;
  }
  return 0;
}

std::optional<int> parse_notify(std::string_view value) {
  int flags = 0;
  const auto words = ascii::split(value, ",");
  if (words.empty()) return std::nullopt;
  for (const std::string_view word : words) {
    const int flag = notify_flag(word);
    if (flag == 0) return std::nullopt;
    flags |= flag;
  }
  if ((flags & notify::never) != 0 && flags != notify::never) return std::nullopt;
  return flags;
}

// RFC 3461 4.2: address type, ';', xtext; RFC 6533 3: a utf-8 address as it is.
std::optional<std::string> parse_orcpt(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || semicolon == 0) return std::nullopt;
  const std::string_view type = value.substr(0, semicolon);
  for (const char c : type) {
    if (!ascii::is_printable(c) || c == ' ') return std::nullopt;
  }
  auto address = mail::decode_xtext(value.substr(semicolon + 1));
  if (!address || !mail::is_valid_utf8(*address)) return std::nullopt;
  return fmt::format("{};{}", type, *address);
}

}  // namespace

std::expected<MailParameters, Reply> parse_mail_parameters(std::span<const std::string_view> words,
                                                           const Announced& announced) {
  MailParameters out;
  bool has_ret = false, has_envid = false;
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
    } else if (is(name, "AUTH") && has_value) {
      // RFC 4954 section 5: who is not authenticated may say this too; it then means nothing.
      if (value.empty() || !mail::decode_xtext(value)) return refuse(501, "5.5.4 Bad AUTH parameter syntax");
      out.auth_sender = value;
    } else if ((is(name, "RET") || is(name, "ENVID")) && has_value && !announced.dsn) {
      return refuse(501, "5.7.1 DSN support is disabled");
    } else if (is(name, "RET") && has_value) {
      if (has_ret || (!is(value, "FULL") && !is(value, "HDRS"))) return refuse(501, "5.5.4 Bad RET parameter syntax");
      has_ret = true;
      out.ret = is(value, "FULL") ? DsnReturn::full : DsnReturn::headers;
    } else if (is(name, "ENVID") && has_value) {
      auto envid = mail::decode_xtext(value);
      if (has_envid || !envid || envid->empty() || !mail::is_valid_utf8(*envid)) {
        return refuse(501, "5.5.4 Bad ENVID parameter syntax");
      }
      has_envid = true;
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
      const auto flags = parse_notify(value);
      if (!flags || out.notify != 0) return refuse(501, "5.5.4 Error: Bad NOTIFY parameter syntax");
      out.notify = *flags;
    } else if (is(name, "ORCPT") && has_value) {
      auto orcpt = parse_orcpt(value);
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
      if (notify_flag(what) == 0) return UnknownNotify{what, value};
    }
  }
  return std::nullopt;
}

}  // namespace smtpd
