#include <algorithm>
#include <array>

#include <fmt/core.h>

#include <unistd.h>

#include "commands/postfix/mistakes.h"
#include "lib/base/ascii.h"
#include "lib/config/known_ports.h"

namespace postfix {
namespace {

// Whose value is "transport:nexthop".
constexpr std::array transports{
    std::string_view("content_filter"),    std::string_view("default_transport"), std::string_view("fallback_transport"),
    std::string_view("local_transport"),   std::string_view("mailbox_transport"), std::string_view("relay_transport"),
    std::string_view("virtual_transport")};
// Their value, or its first word, is a command.
constexpr std::array commands{std::string_view("mailbox_command"), std::string_view("maillog_file_compressor")};
// Without one of these no mail moves.
constexpr std::array moving_mail{std::string_view("pickup"), std::string_view("cleanup"), std::string_view("qmgr"),
                                 std::string_view("rewrite"), std::string_view("bounce"), std::string_view("defer")};

using Services = std::span<const config::MasterEntry>;

// FIFOs are what pickup and qmgr had before they had sockets.
bool has_service(Services services, std::string_view name) {
  return std::ranges::any_of(services, [&](const config::MasterEntry& one) {
    return one.name == name && (one.type == config::ServiceType::unix_stream || one.type == config::ServiceType::fifo);
  });
}

void examine_transport(const config::Main& main, Services services, std::string_view name, std::string_view value,
                       const std::string& where, Mistakes& mistakes) {
  if (std::ranges::find(transports, name) == transports.end()) return;
  const auto expanded = main.expand_text(value);
  if (!expanded) return;
  const std::string_view transport = ascii::trim(std::string_view(*expanded).substr(0, expanded->find(':')));
  if (transport.empty() || has_service(services, transport)) return;
  mistakes.add(where, fmt::format("{} = {}: connect to transport private/{}: No such file or directory: master.cf has no service {}/unix", name, *expanded, transport, transport));
}

void examine_command(std::string_view what, std::string_view command, const std::string& where, Mistakes& mistakes) {
  const std::string program(ascii::trim(command).substr(0, ascii::trim(command).find_first_of(" \t")));
  if (!program.starts_with('/') || ::access(program.c_str(), X_OK) == 0) return;
  mistakes.add(where, fmt::format("{}: {}", what, base::Error::system("execvp " + program).message()));
}

// "foosvc" or "127.0.0.1:foosvc": a port has a number or a name that this host knows.
void examine_port(const config::MasterEntry& service, const config::KnownPorts& ports, Mistakes& mistakes) {
  if (service.type != config::ServiceType::inet) return;
  const std::string port = service.name.substr(service.name.rfind(':') + 1);
  if (ports.port(port)) return;
  mistakes.add(service.where(), fmt::format("unknown service: {}/tcp: write the number of the port", port));
}

// pipe(8) says this only when the first message comes.
void examine_pipe(const config::MasterEntry& service, Mistakes& mistakes) {
  const auto argument = [&](std::string_view name) {
    return std::ranges::find_if(service.arguments, [&](const std::string& text) { return text.starts_with(name); });
  };
  if (argument("user=") == service.arguments.end()) mistakes.add(service.where(), "missing user= command-line attribute");
  // Whether the command is there is not looked at: Debian's master.cf has services for programs that most hosts lack.
  if (argument("argv=") == service.arguments.end()) mistakes.add(service.where(), "missing argv= command-line attribute");
}

}  // namespace

void examine_services(const Examined& examined, Mistakes& mistakes) {
  const config::Main& main = examined.main;
  std::vector<config::MasterEntry> all(examined.services.begin(), examined.services.end());
  for (const std::string& text : config::remove_duplicates(all)) mistakes.add(text);
  // An instance into which nobody may put mail by sendmail(1) needs no pickup.
  const bool takes_local_mail = !main.string("authorized_submit_users").value_or("static:anyone").empty();
  for (const std::string_view name : moving_mail) {
    if (has_service(examined.services, name) || (name == "pickup" && !takes_local_mail)) continue;
    mistakes.add(main.directory() + "/master.cf",
                 fmt::format("no service {}/unix: mail cannot move; take its line from master.cf.proto", name));
  }
  for (const config::Entry& entry : main.entries()) {
    examine_transport(main, examined.services, entry.name, entry.value, entry.where(), mistakes);
    if (std::ranges::find(commands, entry.name) != commands.end()) examine_command(entry.name, entry.value, entry.where(), mistakes);
  }
  const config::KnownPorts ports(main.string("known_tcp_ports").value_or(""));
  for (const std::string& problem : ports.problems()) mistakes.add(main.directory() + "/main.cf", problem);
  for (const config::MasterEntry& service : examined.services) {
    if (service.program == "pipe") examine_pipe(service, mistakes);
    examine_port(service, ports, mistakes);
    for (const std::string& text : service.overrides()) {
      const auto setting = config::parse_setting(text);
      if (setting) examine_transport(main, examined.services, setting->name, setting->value, service.where(), mistakes);
    }
  }
}

}  // namespace postfix
