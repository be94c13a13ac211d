#include "lib/maps/dns_reply_filter.h"

#include <memory>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace maps {
namespace {

using Verdict = dns::Resolver::Verdict;

Verdict verdict_of(const Maps& filter, const std::string& parameter, const std::string& record) {
  const auto found = filter.lookup(record);
  if (!found) {
    maillog::warning("{}", found.error().message());
    return Verdict::failed;
  }
  if (!*found) return Verdict::keep;
  if (ascii::equal_ignoring_case(**found, "ignore")) return Verdict::ignore;
  maillog::warning("{}: unknown DNS filter action: \"{}\"", parameter, **found);
  return Verdict::failed;
}

}  // namespace

Result<void> filter_replies(dns::Resolver& resolver, Tables& tables, std::string parameter, std::string_view value) {
  auto filter = std::make_shared<Maps>(TRY(Maps::open(tables, parameter, value, Flags::none)));
  if (filter->empty()) return {};
  resolver.set_filter([filter = std::move(filter), parameter = std::move(parameter)](const std::string& record) {
    return verdict_of(*filter, parameter, record);
  });
  return {};
}

}  // namespace maps
