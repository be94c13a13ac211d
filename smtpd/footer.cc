#include "smtpd/footer.h"

#include <array>
#include <ctime>
#include <utility>

#include "lib/base/c_escapes.h"
#include "lib/config/expand.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"

namespace smtpd {
namespace {

constexpr std::string_view goes_on_mark = "\\c";  // at the beginning of a template: no line of its own
constexpr std::string_view maps_parameter = "smtpd_reject_footer_maps";

// "Nov 24 06:29:20".
std::string local_time(Stamp stamp) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(stamp);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%b %d %H:%M:%S", &local)};
}

// The null sender is shown as it is written.
std::optional<std::string> value_of(std::string_view name, const FooterFacts& facts) {
  constexpr std::string_view null_sender = "<>";
  const std::string_view sender = !facts.sender ? std::string_view() : facts.sender->empty() ? null_sender : *facts.sender;
  if (name == "client") return facts.client.name_and_address;
  if (name == "client_address") return facts.client.address;
  if (name == "client_name") return facts.client.name;
  if (name == "client_port") return facts.client.port;
  if (name == "reverse_client_name") return facts.client.reverse_name;
  if (name == "helo_name") return std::string(facts.helo);
  if (name == "localtime") return local_time(facts.now);
  if (name == "server_name") return std::string(facts.server_name);
  if (name == "sender") return std::string(sender);
  if (name == "sender_name") return std::string(mail::split(sender).local);
  if (name == "sender_domain") return std::string(mail::split(sender).domain);
  if (name == "recipient") return std::string(facts.recipient);
  if (name == "recipient_name") return std::string(mail::split(facts.recipient).local);
  if (name == "recipient_domain") return std::string(mail::split(facts.recipient).domain);
  return std::nullopt;
}

}  // namespace

Result<RejectFooter> RejectFooter::open(maps::Tables& tables, const Params& params) {
  RejectFooter footer;
  footer.general_ = params.smtpd_reject_footer;
  footer.maps_ = TRY(maps::Maps::open(tables, maps_parameter, params.smtpd_reject_footer_maps, maps::Flags::none));
  footer.allowed_ = base::unescape_c(params.smtpd_expansion_filter);
  return footer;
}

std::string RejectFooter::template_for(const Reply& refusal) const {
  const std::string key = refusal.text();
  const auto found = maps_.lookup(key);
  if (!found) maillog::warning("{}: {}", maps_parameter, found.error().message());
  if (!found || !*found) return general_;
  if (!(*found)->empty()) return **found;
  maillog::warning("{} lookup of {} returns an empty string result", maps_parameter, key);
  maillog::warning("{} should return NO RESULT in case of NOT FOUND", maps_parameter);
  return general_;
}

Reply RejectFooter::added_to(Reply said, const Reply& refusal, const FooterFacts& facts) const {
  const std::string whole = template_for(refusal);
  if (whole.empty()) return said;
  const bool goes_on = whole.starts_with(goes_on_mark);
  const std::string_view pattern = std::string_view(whole).substr(goes_on ? goes_on_mark.size() : 0);
  const auto lookup = [&](std::string_view name) -> Result<std::optional<std::string>> {
    std::optional<std::string> value = value_of(name, facts);
    if (!value) {
      maillog::warning("unknown macro name \"{}\" in expansion request", name);
      return value;
    }
    for (char& c : *value) {
      if (!allowed_.contains(c)) c = '_';
    }
    return value;
  };
  const auto text = config::expand(pattern, lookup, config::Values::verbatim);
  if (text) return std::move(said).with_footer(*text, goes_on ? Reply::Footer::on_last_line : Reply::Footer::on_new_line);
  maillog::warning("{}", text.error().message());
  return said;
}

}  // namespace smtpd
