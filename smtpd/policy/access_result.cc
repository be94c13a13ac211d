#include "smtpd/policy/access_result.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"
#include "lib/mail/header.h"
#include "smtpd/policy/address_status.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

struct Result {
  const Question& question;
  const AccessEntry& entry;
  std::string_view word;   // the action
  std::string_view text;   // behind it

  void warn(std::string_view what) const {
    maillog::warning("access table {} entry \"{}\" {}", entry.table, entry.key, what);
  }
};

bool is_all_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, ascii::is_digit); }

// "5.7.1 text": the status, of which end of the message it is about, and the text; either may be missing.
Reply refusal_with(const Result& result, int code, std::string_view default_dsn, std::string_view default_text) {
  std::string_view text = result.text;
  std::string dsn(default_dsn);
  if (const auto given = mail::Dsn::parse_prefix(text)) {
    text = ascii::trim(text);
    const bool is_sender = result.question.about.what == "Sender address";
    const bool is_recipient = result.question.about.what == "Recipient address";
    mail::Dsn said = *given;
    if (is_sender || is_recipient) said = status_for(is_sender ? AddressEnd::sender : AddressEnd::recipient, *given);
    if (said != *given) {
      maillog::info("mapping DSN status {} into {} status {}", given->text(), result.question.about.what, said.text());
    }
    dsn = said.text();
  }
  return refusal(result.question, code, dsn, text.empty() ? default_text : text);
}

constexpr std::string_view denied = "Access denied", unavailable = "Service unavailable";

Verdict act_reject(const Result& result) {
  return Verdict::refuse(refusal_with(result, result.question.policy.params().access_map_reject_code, "5.7.1", denied));
}

Verdict act_defer(const Result& result) {
  return Verdict::refuse(refusal_with(result, result.question.policy.params().access_map_defer_code, "4.7.1", denied));
}

Verdict act_defer_if_permit(const Result& result) {
  return result.question.asking.unsure(Asking::Tempfail::defer_if_permit,
                                       refusal_with(result, result.question.policy.params().access_map_defer_code, "4.7.1", unavailable));
}

Verdict act_defer_if_reject(const Result& result) {
  return result.question.asking.unsure_of_permit(
      refusal_with(result, result.question.policy.params().access_map_defer_code, "4.7.1", unavailable));
}

// The client hears nothing.
Verdict act_hang_up(const Result& result) { return Verdict::insist(Reply(521, std::string(result.text), Reply::Then::hang_up)); }

Verdict act_info(const Result& result) {
  result.question.asking.log("info", result.text);
  return Verdict::dunno();
}

Verdict act_warn(const Result& result) {
  result.question.asking.log("warn", result.text);
  return Verdict::dunno();
}

Verdict act_dunno(const Result&) { return Verdict::dunno(); }

Verdict act_ok(const Result& result) {
  result.question.asking.log_permission(result.word, result.question.about, result.entry.table);
  return Verdict::permit();
}

// The message that an action is for; none where there is no message yet, or never will be.
MessageActions* message_for(const Result& result, std::string_view action) {
  const Subject& subject = result.question.subject;
  const bool is_for_header = action == "PREPEND";
  if (result.question.stage == Stage::etrn && !is_for_header) {
    maillog::warning("access table {}: action {} is unavailable in smtpd_etrn_restrictions", result.entry.table, action);
    return nullptr;
  }
  if (subject.is_filtered && !is_for_header) {
    maillog::warning("access table {}: with smtpd_proxy_filter specified, action {} is unavailable", result.entry.table, action);
    return nullptr;
  }
  if (!subject.has_sender || subject.message == nullptr) {
    maillog::warning("access table {}: with smtpd_delay_reject=no, action {} is always skipped in Client host or Helo command restrictions",
                     result.entry.table, action);
    return nullptr;
  }
  if (is_for_header && result.question.stage == Stage::end_of_data) {
    maillog::warning("access table {}: action {} must be used before smtpd_end_of_data_restrictions", result.entry.table, action);
    return nullptr;
  }
  return subject.message;
}

// "<alice@example.com>: Recipient address triggers HOLD action".
void log_action(const Result& result, std::string_view action, std::string_view what) {
  const About& about = result.question.about;
  result.question.asking.log(action, fmt::format("<{}>: {} {}", about.name, about.what, what));
}

Verdict act_hold(const Result& result) {
  MessageActions* const message = message_for(result, "HOLD");
  if (message == nullptr || std::exchange(message->is_held, true)) return Verdict::dunno();
  log_action(result, "hold", result.text.empty() ? "triggers HOLD action" : result.text);
  return Verdict::dunno();
}

Verdict act_discard(const Result& result) {
  MessageActions* const message = message_for(result, "DISCARD");
  if (message == nullptr) return Verdict::dunno();
  log_action(result, "discard", result.text.empty() ? "triggers DISCARD action" : result.text);
  message->is_discarded = true;
  return act_ok(result);
}

Verdict act_filter(const Result& result) {
  MessageActions* const message = message_for(result, "FILTER");
  if (message == nullptr) return Verdict::dunno();
  if (result.text.empty()) {
    result.warn("has FILTER entry without value");
  } else if (!result.text.contains(':')) {
    result.warn("requires transport:destination");
  } else {
    log_action(result, "filter", fmt::format("triggers FILTER {}", result.text));
    message->filter = result.text;
  }
  return Verdict::dunno();
}

Verdict act_redirect(const Result& result) {
  MessageActions* const message = message_for(result, "REDIRECT");
  if (message == nullptr) return Verdict::dunno();
  if (!result.text.contains('@')) {
    result.warn("requires user@domain target");
    return Verdict::dunno();
  }
  log_action(result, "redirect", fmt::format("triggers REDIRECT {}", result.text));
  message->redirect = result.text;
  return Verdict::dunno();
}

Verdict act_bcc(const Result& result) {
  MessageActions* const message = message_for(result, "BCC");
  if (message == nullptr) return Verdict::dunno();
  if (!result.text.contains('@')) {
    result.warn("requires user@domain target");
    return Verdict::dunno();
  }
  log_action(result, "bcc", fmt::format("triggers BCC {}", result.text));
  message->copies.emplace_back(result.text);
  return Verdict::dunno();
}

Verdict act_prepend(const Result& result) {
  MessageActions* const message = message_for(result, "PREPEND");
  if (message == nullptr) return Verdict::dunno();
  if (!mail::split_header(result.text)) result.warn("requires header: text");
  else message->prepended.emplace_back(result.text);
  return Verdict::dunno();
}

struct Action {
  std::string_view name;
  Verdict (*act)(const Result&);
};
constexpr std::array actions{
    Action{"BCC", &act_bcc},
    Action{"DEFER", &act_defer},
    Action{"DEFER_IF_PERMIT", &act_defer_if_permit},
    Action{"DEFER_IF_REJECT", &act_defer_if_reject},
    Action{"DISCARD", &act_discard},
    Action{"DUNNO", &act_dunno},
    Action{"FILTER", &act_filter},
    Action{"HANGUP", &act_hang_up},
    Action{"HOLD", &act_hold},
    Action{"INFO", &act_info},
    Action{"OK", &act_ok},
    Action{"PREPEND", &act_prepend},
    Action{"REDIRECT", &act_redirect},
    Action{"REJECT", &act_reject},
    Action{"RELAY", &act_ok},
    Action{"WARN", &act_warn},
};

// Restrictions and classes, but no tables: they would be opened for each mail.
Verdict ask_list(const Result& result, std::string_view value) {
  if (value.contains(':')) {
    maillog::warning("access table {} has entry with lookup table: {}", result.entry.table, value);
    maillog::warning("do not specify lookup tables inside SMTPD access maps");
    maillog::warning("define a restriction class and specify its name instead.");
    return Verdict::insist(server_configuration_error());
  }
  const Restrictions list = result.question.policy.parse(value);
  if (auto verdict = result.question.asking.ask_nested(Asking::Nested::of_table, list, result.question.about)) return std::move(*verdict);
  maillog::warning("access table {} entry {} causes unreasonable recursion", result.entry.table, value);
  return Verdict::insist(server_configuration_error());
}

}  // namespace

Verdict access_result(const Question& question, const AccessEntry& entry, std::string_view value) {
  value = ascii::trim(value);
  const std::string_view word = value.substr(0, value.find_first_of(" \t"));
  const Result result{question, entry, word, ascii::trim(value.substr(word.size()))};
  if (value.empty()) {
    maillog::warning("access table {} entry {} has empty value", entry.table, value);
    return Verdict::permit();
  }
  for (const Action& action : actions) {
    if (ascii::equal_ignoring_case(action.name, word)) return action.act(result);
  }
  if (is_all_digits(value)) return act_ok(result);
  if (word.size() == 3 && is_all_digits(word) && (word[0] == '4' || word[0] == '5')) {
    const int code = (word[0] - '0') * 100 + (word[1] - '0') * 10 + (word[2] - '0');
    return Verdict::refuse(refusal_with(result, code, code >= 500 ? "5.7.1" : "4.7.1", denied));
  }
  return ask_list(result, value);
}

}  // namespace smtpd::policy
