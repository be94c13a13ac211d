#include "lib/milter/settings.h"

#include <algorithm>

#include <array>
#include <memory>

#include <fmt/format.h>
#include <netdb.h>

#include "lib/base/ascii.h"
#include "lib/config/value.h"
#include "lib/io/socket.h"
#include "lib/maps/list.h"

namespace milter {
namespace {

constexpr std::string_view separators = ", \t\r\n";

Result<maps::ServerAddress> parse_address(std::string_view text) {
  // As libmilter's applications call it.
  constexpr std::string_view local = "local:";
  const std::string standard = text.starts_with(local) ? fmt::format("unix:{}", text.substr(local.size())) : std::string(text);
  if (standard != "inet:" && standard != "unix:") {
    if (auto address = TRY(maps::ServerAddress::parse_transport(standard))) return std::move(*address);
  }
  return base::fail(fmt::format("Milter service needs transport:endpoint instead of \"{}\"", text));
}

// Of a host that has to be asked for.
std::vector<std::string> hosts_of(const maps::ServerAddress& address, Names names) {
  if (!address.path.empty() || address.is_here()) return {};
  if (names == Names::later || io::Address::parse(address.host)) return {};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(address.host.c_str(), nullptr, &hints, &list) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::vector<std::string> hosts;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0) hosts.emplace_back(text.data());
  }
  return hosts;
}

Result<std::chrono::seconds> parse_time(std::string_view name, std::string_view value) {
  const std::chrono::seconds time = TRY(config::parse_time(nullptr, name, value));
  if (time.count() < 1) return base::fail(fmt::format("bad milter setting {} = {}: need 1 second or more", name, value));
  return time;
}

// "name = value" of one milter.
Result<void> set(Options& options, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return base::fail(fmt::format("missing '=' after milter setting \"{}\"", text));
  const std::string_view name = ascii::trim(text.substr(0, equals)), value = ascii::trim(text.substr(equals + 1));
  if (name == "connect_timeout") options.connect_timeout = TRY(parse_time(name, value));
  else if (name == "command_timeout") options.command_timeout = TRY(parse_time(name, value));
  else if (name == "content_timeout") options.content_timeout = TRY(parse_time(name, value));
  else if (name == "protocol") options.protocol = TRY(parse_protocol(value));
  else if (name == "default_action") options.default_action = TRY(parse_default_action(value));
  else return base::fail(fmt::format("unknown milter setting \"{}\"", name));
  return {};
}

Result<Filter> parse_filter(std::string_view item, const Options& options) {
  if (!item.starts_with('{')) return Filter{.name = std::string(item), .address = TRY(parse_address(item)), .hosts = {}, .options = options};
  const std::vector<std::string_view> parts = maps::split_list(TRY(maps::without_braces(item)));
  if (parts.empty()) return base::fail("milter without an address: \"" + std::string(item) + "\"");
  Filter filter{.name = std::string(parts.front()), .address = TRY(parse_address(parts.front())), .hosts = {}, .options = options};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool is_braced = parts[i].starts_with('{');
    const std::string_view setting = is_braced ? TRY(maps::without_braces(parts[i])) : parts[i];
    TRY(set(filter.options, setting));
  }
  return filter;
}

}  // namespace

Result<DefaultAction> parse_default_action(std::string_view word) {
  if (word == "accept") return DefaultAction::accept;
  if (word == "reject") return DefaultAction::reject;
  if (word == "tempfail") return DefaultAction::tempfail;
  if (word == "quarantine") return DefaultAction::quarantine;
  if (word == "shutdown") return DefaultAction::shutdown;
  return base::fail(fmt::format("bad milter_default_action value: {}", word));
}

Result<int> parse_protocol(std::string_view value) {
  const auto number = ascii::parse_number(ascii::trim(value), 99);
  if (!number || steps_of(static_cast<int>(*number)) == 0) {
    return base::fail(fmt::format("bad milter_protocol value: {}: need 2, 3, 4 or 6", value));
  }
  return static_cast<int>(*number);
}

Result<Filters> parse_filters(std::string_view parameter, std::string_view value, const Options& options, Names names) {
  Filters filters;
  for (const std::string_view item : maps::split_list(value)) {
    auto filter = parse_filter(item, options);
    if (!filter) return base::Failure(std::move(filter).error().within(parameter));
    filter->hosts = hosts_of(filter->address, names);
    filters.push_back(std::move(*filter));
  }
  if (filters.size() > filters_limit) return base::fail(fmt::format("{}: more than {} milters", parameter, filters_limit));
  return filters;
}

std::vector<std::string> parse_macro_names(std::string_view value) {
  std::vector<std::string> names;
  for (const std::string_view name : ascii::split(value, separators)) names.emplace_back(name);
  return names;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_macro_defaults(std::string_view value) {
  std::vector<std::pair<std::string, std::string>> defaults;
  for (std::string_view item : maps::split_list(value)) {
    // "{name}=value", or "{ name = value }" with space.
    const bool is_braced = item.starts_with('{') && item.ends_with('}') && item.contains('=');
    if (is_braced) {
      const std::string_view inner = TRY(maps::without_braces(item));
      item = inner;
    }
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) return base::fail(fmt::format("milter_macro_defaults: missing '=' in \"{}\"", item));
    defaults.emplace_back(ascii::trim(item.substr(0, equals)), ascii::trim(item.substr(equals + 1)));
  }
  return defaults;
}

}  // namespace milter
