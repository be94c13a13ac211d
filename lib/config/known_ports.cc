#include "lib/config/known_ports.h"

#include <algorithm>

#include <fmt/core.h>
#include <netdb.h>

#include "lib/base/ascii.h"

namespace config {
namespace {

constexpr int highest_port = 65535;

}  // namespace

KnownPorts::KnownPorts(std::string_view list) {
  for (const std::string_view part : ascii::split(list, ",")) {
    const std::string_view entry = ascii::trim(part);
    if (entry.empty()) continue;
    const std::string_view problem = add(entry);
    if (!problem.empty()) problems_.push_back(fmt::format("known_tcp_ports: in \"{}\"{}", entry, problem));
  }
}

std::string_view KnownPorts::add(std::string_view entry) {
  const std::size_t last = entry.rfind('=');
  if (last == std::string_view::npos) return " is not in \"name = value\" form";
  const std::string_view value = ascii::trim(entry.substr(last + 1));
  if (value.empty()) return ": missing port value after \"=\"";
  if (value.find_first_of(" \t\r\n") != std::string_view::npos) return ": whitespace in port number";
  const auto number = ascii::parse_number(value, highest_port);
  if (!number) return ": non-numerical service port";
  std::vector<std::string_view> names;
  for (std::string_view rest = entry.substr(0, last);;) {
    const std::size_t end = rest.find('=');
    const std::string_view name = ascii::trim(rest.substr(0, end));
    if (name.empty()) return ": missing service name before \"=\"";
    if (name.find_first_of(" \t\r\n") != std::string_view::npos) return ": whitespace in service name";
    if (ascii::parse_number(name, highest_port)) return ": numerical service name";
    if (ports_.contains(name) || std::ranges::find(names, name) != names.end()) return ": duplicate service name";
    names.push_back(name);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  for (const std::string_view name : names) ports_.emplace(name, static_cast<std::uint16_t>(*number));
  return {};
}

Result<std::uint16_t> KnownPorts::port(std::string_view text) const {
  if (const auto number = ascii::parse_number(text, highest_port)) return static_cast<std::uint16_t>(*number);
  if (const auto known = ports_.find(text); known != ports_.end()) return known->second;
  const servent* const service = ::getservbyname(std::string(text).c_str(), "tcp");
  if (service == nullptr) return base::fail(fmt::format("unknown service: {}/tcp", text));
  return ntohs(static_cast<std::uint16_t>(service->s_port));
}

}  // namespace config
