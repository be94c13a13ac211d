#pragma once
// Which milters there are and how each is to be spoken to: smtpd_milters, non_smtpd_milters and the milter_ parameters, which
// smtpd and cleanup both have.

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/maps/server_connections.h"
#include "lib/milter/protocol.h"

namespace milter {

// What happens when a milter fails.
enum class DefaultAction : std::uint8_t { accept, reject, tempfail, quarantine, shutdown };
[[nodiscard]] Result<DefaultAction> parse_default_action(std::string_view word);

struct Options {
  std::chrono::seconds connect_timeout{30}, command_timeout{30}, content_timeout{300};
  int protocol = 6;
  DefaultAction default_action = DefaultAction::tempfail;
};

struct Filter {
  std::string name;              // as written: "inet:localhost:8891"; the log's name for it
  maps::ServerAddress address;
  std::vector<std::string> hosts;  // numeric, where they are known already: in a chroot names may not be
  Options options;
};
using Filters = std::vector<Filter>;

// More cannot be handed over to cleanup(8) together.
inline constexpr std::size_t filters_limit = 50;

// When names of hosts are looked up: before the chroot, where that may take its time, or when the milter is needed.
enum class Names : std::uint8_t { now, later };

// "inet:host:port, unix:path, { inet:host:port, connect_timeout=10s, { default_action = accept } }". `options` are for what an item
// does not say itself; `parameter` is named in errors.
[[nodiscard]] Result<Filters> parse_filters(std::string_view parameter, std::string_view value, const Options& options,
                                            Names names = Names::later);

// Which macros go to all milters, by Stage, and what those are that have no value.
struct MacroLists {
  std::array<std::vector<std::string>, stage_count> names;
  std::vector<std::pair<std::string, std::string>> defaults;
};
[[nodiscard]] std::vector<std::string> parse_macro_names(std::string_view value);
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> parse_macro_defaults(std::string_view value);

// Of the parameters of smtpd or cleanup, whose names are the same.
template <class Params>
[[nodiscard]] Result<Options> options_of(const Params& params);
template <class Params>
[[nodiscard]] Result<MacroLists> macro_lists_of(const Params& params);

// The number of milter_protocol.
[[nodiscard]] Result<int> parse_protocol(std::string_view value);

template <class Params>
Result<Options> options_of(const Params& params) {
  return Options{.connect_timeout = params.milter_connect_timeout,
                 .command_timeout = params.milter_command_timeout,
                 .content_timeout = params.milter_content_timeout,
                 .protocol = TRY(parse_protocol(params.milter_protocol)),
                 .default_action = TRY(parse_default_action(params.milter_default_action))};
}

template <class Params>
Result<MacroLists> macro_lists_of(const Params& params) {
  MacroLists lists;
  const std::pair<Stage, const std::string&> values[] = {
      {Stage::connect, params.milter_connect_macros},       {Stage::helo, params.milter_helo_macros},
      {Stage::mail, params.milter_mail_macros},             {Stage::rcpt, params.milter_rcpt_macros},
      {Stage::data, params.milter_data_macros},             {Stage::end_of_data, params.milter_end_of_data_macros},
      {Stage::end_of_header, params.milter_end_of_header_macros}, {Stage::unknown, params.milter_unknown_command_macros}};
  for (const auto& [stage, value] : values) lists.names[static_cast<std::size_t>(stage)] = parse_macro_names(value);
  lists.defaults = TRY(parse_macro_defaults(params.milter_macro_defaults));
  return lists;
}

}  // namespace milter
