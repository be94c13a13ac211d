#include "lib/mail/header.h"

#include <algorithm>
#include <array>

#include "lib/base/ascii.h"

namespace mail {
namespace {

using enum HeaderClass;

// Classes as Postfix has them, by observation of canonical maps and of sendmail -t. Resent-Reply-To counts as a
// recipient there.
constexpr std::array headers{
    HeaderInfo{"Apparently-To", recipient, false, false},
    HeaderInfo{"Bcc", recipient, false, true},
    HeaderInfo{"Cc", recipient, false, true},
    HeaderInfo{"Content-Description", other, false, false},
    HeaderInfo{"Content-Disposition", other, false, false},
    HeaderInfo{"Content-Id", other, false, false},
    HeaderInfo{"Content-Length", other, false, false},
    HeaderInfo{"Content-Transfer-Encoding", other, false, false},
    HeaderInfo{"Content-Type", other, false, false},
    HeaderInfo{"Date", other, false, false},
    HeaderInfo{"Delivered-To", other, false, false},
    HeaderInfo{"Disposition-Notification-To", sender, false, false},
    HeaderInfo{"Errors-To", sender, false, false},
    HeaderInfo{"From", sender, false, false},
    HeaderInfo{"Mail-Followup-To", sender, false, false},
    HeaderInfo{"Message-Id", other, false, false},
    HeaderInfo{"MIME-Version", other, false, false},
    HeaderInfo{"Received", other, false, false},
    HeaderInfo{"Reply-To", sender, false, false},
    HeaderInfo{"Resent-Bcc", recipient, true, true},
    HeaderInfo{"Resent-Cc", recipient, true, true},
    HeaderInfo{"Resent-Date", other, true, false},
    HeaderInfo{"Resent-From", sender, true, false},
    HeaderInfo{"Resent-Message-Id", other, true, false},
    HeaderInfo{"Resent-Reply-To", recipient, true, false},
    HeaderInfo{"Resent-Sender", sender, true, false},
    HeaderInfo{"Resent-To", recipient, true, true},
    HeaderInfo{"Return-Path", sender, false, false},
    HeaderInfo{"Return-Receipt-To", sender, false, false},
    HeaderInfo{"Sender", sender, false, false},
    HeaderInfo{"Subject", other, false, false},
    HeaderInfo{"TLS-Required", other, false, false},
    HeaderInfo{"To", recipient, false, true},
    HeaderInfo{"Require-TLS-ESMTP", other, false, false},
};

bool is_name_text(char c) { return c > ' ' && c < 0x7f && c != ':'; }

}  // namespace

std::optional<HeaderField> split_header(std::string_view field) {
  std::size_t end = 0;
  while (end < field.size() && is_name_text(field[end])) ++end;
  std::size_t colon = end;
  while (colon < field.size() && (field[colon] == ' ' || field[colon] == '\t')) ++colon;
  if (end == 0 || colon == field.size() || field[colon] != ':') return std::nullopt;
  return HeaderField{field.substr(0, end), field.substr(colon + 1)};
}

std::string unfolded(std::string_view value) {
  std::string out(ascii::trim(value));
  std::erase_if(out, [](char c) { return c == '\r' || c == '\n'; });
  return out;
}

const HeaderInfo* find_header(std::string_view name) {
  const auto found = std::ranges::find_if(
      headers, [&](const HeaderInfo& info) { return ascii::equal_ignoring_case(info.name, name); });
  return found == headers.end() ? nullptr : &*found;
}

}  // namespace mail
