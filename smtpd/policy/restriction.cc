#include "smtpd/policy/restriction.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/config/restriction_names.h"
#include "lib/log/log.h"

namespace smtpd::policy {
namespace {

// "<alice@example.com>: Recipient address", or what else the stage is about.
std::string about(const Question& question) {
  const Subject& subject = question.subject;
  switch (question.stage) {
    case Stage::client: return fmt::format("<{}>: Client host", subject.client.name_and_address);
    case Stage::helo: return fmt::format("<{}>: Helo command", subject.helo);
    case Stage::sender: return fmt::format("<{}>: Sender address", subject.sender);
    case Stage::relay:
    case Stage::recipient: return fmt::format("<{}>: Recipient address", subject.recipient);
    case Stage::data: return "<DATA>: Data command";
    case Stage::end_of_data: return "<END-OF-MESSAGE>: End-of-data";
    case Stage::etrn: return fmt::format("<{}>: Etrn command", subject.etrn_domain);
  }
  return {};
}

}  // namespace

std::string dsn_for(int code, std::string_view dsn) {
  std::string out(dsn);
  if (const int cls = code / 100; cls == 4 || cls == 5) out.front() = static_cast<char>('0' + cls);
  return out;
}

Reply refusal(const Question& question, int code, std::string_view dsn, std::string_view text) {
  return {code, fmt::format("{} {} rejected: {}", dsn_for(code, dsn), about(question), text)};
}

Restrictions Restrictions::parse(std::string_view parameter, std::string_view value) {
  Restrictions out;
  bool is_warning = false;
  for (const std::string_view name : config::list_items(value)) {
    if (ascii::equal_ignoring_case(name, "warn_if_reject")) {
      is_warning = true;
      continue;
    }
    const Row* row = find_row(name);
    out.items_.push_back({row, std::string(name), is_warning});
    is_warning = false;
    if (row == nullptr) {
      if (config::find_restriction_name(name) != nullptr) maillog::warning("{}: {} is not yet honoured", parameter, name);
      else maillog::warning("unknown smtpd restriction: \"{}\"", name);
      break;  // nothing after it is ever reached; what follows may be its argument
    }
  }
  return out;
}

Restrictions Restrictions::refusing() {
  Restrictions out;
  out.items_.push_back({nullptr, "not yet honoured", false});
  return out;
}

bool Restrictions::guards_relay() const {
  for (const Item& item : items_) {
    if (item.row == nullptr) return true;  // refuses everyone
    if (item.row->guard == Guard::relay && !item.is_warning) return true;
    if (item.row->check == &permit) return false;
  }
  return false;
}

}  // namespace smtpd::policy
