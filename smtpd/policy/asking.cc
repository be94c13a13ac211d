#include "smtpd/policy/asking.h"

#include <utility>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

const Item alone;   // of a restriction that stands in no list

// What always ends a list: whatever stands behind it is a mistake.
bool ends_list(const Item& item) {
  if (item.row == nullptr) return false;
  return item.row->check == &permit || item.row->check == &reject || item.row->check == &defer;
}

void warn_of_ignored(std::span<const Item> items, std::size_t at) {
  if (at + 1 >= items.size() || !ends_list(items[at])) return;
  const Item& next = items[at + 1];
  maillog::warning("restriction `{}' after `{}' is ignored", next.is_warning ? "warn_if_reject" : next.name, items[at].row->name);
}

Question permitted(const Question& question) {
  switch (question.item.row->permits) {
    case Permits::the_list:
    case Permits::by_others: break;
    case Permits::the_client: return about_client(question);
    case Permits::the_recipient: return about_recipient(question);
  }
  return question;
}

}  // namespace

Verdict Asking::ask(const Restrictions& list, About about) {
  const std::span<const Item> items = list.items();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (subject_.is_discarded()) return Verdict::permit();
    Verdict verdict = ask_item(items[i], about);
    if (verdict.is_dunno()) continue;
    warn_of_ignored(items, i);
    return verdict;
  }
  return Verdict::dunno();
}

Verdict Asking::ask(Check check) {
  return settled(check({policy_, *this, stage_, subject_, about(stage_, subject_), alone}));
}

std::optional<Verdict> Asking::ask_nested(Nested kind, const Restrictions& list, About about) {
  if (depth_ >= nesting_limit + (kind == Nested::of_class ? 1 : 0)) return std::nullopt;
  ++depth_;
  Verdict verdict = ask(list, about);
  --depth_;
  return verdict;
}

Verdict Asking::ask_item(const Item& item, About about) {
  if (item.row == nullptr) {
    if (!item.flaw.empty()) maillog::warning("{}", item.flaw);
    return Verdict::insist(server_configuration_error());
  }
  const bool outer = std::exchange(only_warns_, only_warns_ || item.is_warning);
  const Question question{policy_, *this, stage_, subject_, about, item};
  Verdict verdict = settled(item.row->check(question));
  // What stands in tables and classes has been logged where it was found.
  if (verdict.permits() && item.row->permits != Permits::by_others) log_permission(item.name, permitted(question).about, {});
  only_warns_ = outer;
  return verdict;
}

void Asking::log_permission(std::string_view action, const About& about, std::string_view table) {
  const maps::MatchList& logged = policy_.tables().logged_permissions;
  if (logged.empty()) return;
  const auto is_logged = logged.matches(action);
  if (!is_logged) maillog::warning("{}", is_logged.error().message());
  if (!is_logged.value_or(false)) return;
  asker_.log_verdict("permit", fmt::format("action={} for {}={} {}", action, about.what, about.name,
                                           table.empty() ? std::string() : fmt::format("from {}", table)));
}

// What becomes of a refusal. A list within a list has settled its own already; that changes nothing.
Verdict Asking::settled(Verdict verdict) {
  if (!verdict.refuses() || verdict.insists()) return verdict;
  if (only_warns_) {
    asker_.log_verdict("reject_warning", verdict.reply().text());
    return Verdict::dunno();
  }
  const bool is_permanent = verdict.reply().code() >= 500;
  if (!is_permanent || !doubts_.if_reject) return verdict;
  return Verdict::refuse(doubts_.if_permit ? *doubts_.if_permit : *doubts_.if_reject);
}

Verdict Asking::unsure(Tempfail action, Reply reply) {
  if (only_warns_ || action == Tempfail::defer) return Verdict::refuse(std::move(reply));
  if (!doubts_.if_permit) doubts_.if_permit = std::move(reply);
  return Verdict::dunno();
}

Verdict Asking::unsure_of_permit(Reply reply) {
  if (!doubts_.if_reject) doubts_.if_reject = std::move(reply);
  return Verdict::dunno();
}

Result<Asking::Tempfail> parse_tempfail(std::string_view parameter, std::string_view word) {
  if (ascii::equal_ignoring_case(word, "defer")) return Asking::Tempfail::defer;
  if (ascii::equal_ignoring_case(word, "defer_if_permit")) return Asking::Tempfail::defer_if_permit;
  return base::fail(fmt::format("bad configuration: {} = {}", parameter, word));
}

}  // namespace smtpd::policy
