#include "pipe/arguments.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"

namespace pipe_agent {
namespace {

using Recipient = ipc::DeliveryRecipient;

// Names of the message. None: no such name.
std::optional<std::string> of_message(std::string_view name, const ipc::DeliveryRequest& request, const ArgumentRules& rules) {
  const std::pair<std::string_view, const std::string*> plain[] = {
      {"client_address", &request.client_address}, {"client_helo", &request.client_helo},
      {"client_hostname", &request.client_name},   {"client_port", &request.client_port},
      {"client_protocol", &request.client_proto},  {"envid", &request.dsn_envid},
      {"queue_id", &request.queue_id},             {"sasl_method", &request.sasl_method},
      {"sasl_sender", &request.sasl_sender},       {"sasl_username", &request.sasl_username},
  };
  for (const auto& [known, value] : plain) {
    if (known == name) return *value;
  }
  if (name == "size") return std::to_string(request.data_size);
  if (name == "nexthop") return rules.flags.folds_domain ? ascii::lowercase(request.nexthop) : request.nexthop;
  if (name == "sender") {
    const std::string& sender = shown_sender(request, rules.null_sender);
    return rules.flags.quotes_address && !sender.empty() ? mail::to_external(sender) : sender;
  }
  return std::nullopt;
}

// A whole address of a recipient, folded and quoted as the flags say.
std::string shown_address(const std::string& address, const Flags& flags) {
  const mail::AddressParts parts = mail::split(address);
  std::string out = flags.folds_local ? ascii::lowercase(parts.local) : std::string(parts.local);
  if (parts.has_domain) out += "@" + (flags.folds_domain ? ascii::lowercase(parts.domain) : std::string(parts.domain));
  return flags.quotes_address ? mail::to_external(out) : out;
}

std::optional<std::string> of_recipient(std::string_view name, const Recipient& recipient, const ArgumentRules& rules) {
  const Flags& flags = rules.flags;
  if (name == "recipient") return shown_address(recipient.address, flags);
  if (name == "original_recipient") {
    return shown_address(recipient.original.empty() ? recipient.address : recipient.original, flags);
  }
  const mail::AddressParts parts = mail::split(recipient.address);
  if (name == "domain") return flags.folds_domain ? ascii::lowercase(parts.domain) : std::string(parts.domain);
  const mail::LocalParts local = mail::split_extension(parts.local, rules.delimiters);
  const std::pair<std::string_view, std::string_view> of_local[] = {
      {"mailbox", parts.local}, {"user", local.user}, {"extension", local.extension}};
  for (const auto& [known, value] : of_local) {
    if (known == name) return flags.folds_local ? ascii::lowercase(value) : std::string(value);
  }
  return std::nullopt;
}

using Lookup = std::function<Result<std::string>(std::string_view name)>;

Result<std::string> expand(std::string_view text, const Lookup& lookup) {
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t dollar = std::min(rest.find('$'), rest.size());
    out += rest.substr(0, dollar);
    rest.remove_prefix(dollar);
    if (rest.empty()) break;
    rest.remove_prefix(1);
    if (rest.starts_with('$')) {
      out += '$';
      rest.remove_prefix(1);
      continue;
    }
    std::string_view name;
    if (rest.starts_with('{') || rest.starts_with('(')) {
      const std::size_t end = rest.find(rest.front() == '{' ? '}' : ')');
      if (end == std::string_view::npos) return base::fail(fmt::format("truncated macro reference: \"{}\"", text));
      name = rest.substr(1, end - 1);
      rest.remove_prefix(end + 1);
    } else {
      const auto* const end = std::ranges::find_if_not(rest, [](char c) { return ascii::is_alnum(c) || c == '_'; });
      name = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
      rest.remove_prefix(name.size());
    }
    if (name.empty()) return base::fail(fmt::format("empty macro name: \"{}\"", text));
    out += TRY(lookup(name));
  }
  return out;
}

}  // namespace

const std::string& shown_sender(const ipc::DeliveryRequest& request, const std::string& null_sender) {
  return request.sender.empty() ? null_sender : request.sender;
}

Result<std::vector<std::string>> expand_arguments(const std::vector<std::string>& arguments, const ipc::DeliveryRequest& request,
                                                  const std::vector<const Recipient*>& recipients, const ArgumentRules& rules) {
  std::vector<std::string> out;
  for (const std::string& argument : arguments) {
    for (std::size_t index = 0; index < recipients.size(); ++index) {
      bool speaks_of_recipient = false;
      out.push_back(TRY(expand(argument, [&](std::string_view name) -> Result<std::string> {
        if (auto value = of_message(name, request, rules)) return std::move(*value);
        if (auto value = of_recipient(name, *recipients[index], rules)) {
          speaks_of_recipient = true;
          return std::move(*value);
        }
        return base::fail(fmt::format("file /etc/postfix/master.cf: service {}: unknown macro name: \"{}\"", rules.service, name));
      })));
      if (!speaks_of_recipient) break;
    }
  }
  return out;
}

}  // namespace pipe_agent
