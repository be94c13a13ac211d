#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include <fmt/core.h>

#include "commands/postfix/mistakes.h"
#include "lib/base/ascii.h"
#include "lib/config/interfaces.h"
#include "lib/config/restriction_names.h"
#include "lib/maps/list.h"
#include "lib/maps/registry.h"
#include "lib/maps/table.h"

namespace postfix {
namespace {

constexpr std::size_t entries_looked_at = 100'000;  // of one table

// A domain belongs to one class only, and those that come first win.
constexpr std::array class_lists{std::string_view("mydestination"), std::string_view("virtual_alias_domains"),
                                 std::string_view("virtual_mailbox_domains"), std::string_view("relay_domains")};
constexpr std::array next_hops{std::string_view("relayhost"), std::string_view("smtp_fallback_relay")};
constexpr std::array smtp_clients{std::string_view("smtp"), std::string_view("relay")};
constexpr std::array everybody{std::string_view("0.0.0.0/0"), std::string_view("[::]/0"), std::string_view("::/0")};
// One of these keeps strangers from using us to reach others.
constexpr std::array closing{std::string_view("reject"), std::string_view("defer"), std::string_view("defer_if_permit"),
                             std::string_view("reject_unauth_destination"), std::string_view("defer_unauth_destination"),
                             std::string_view("check_relay_domains")};

bool is_among(const auto& names, std::string_view name) {
  return std::ranges::any_of(names, [&](std::string_view one) { return ascii::equal_ignoring_case(one, name); });
}

// Where the value of a parameter comes from: its own line, or that of what its default refers to.
std::string where_is(const config::Main& main, std::string_view name) {
  const config::Entry* const entry = main.find(name);
  return entry != nullptr ? entry->where() : main.directory() + "/main.cf";
}

class Examiner {
 public:
  Examiner(const config::Main& main, Mistakes& mistakes)
      : main_(main), mistakes_(mistakes), tables_({.config_directory = main.directory(), .default_database_type = "hash"}) {
    own_.insert("localhost");
    if (const auto name = main.expand("myhostname")) own_.insert(ascii::lowercase(*name));
    if (const auto addresses = config::own_addresses(main)) own_.insert(addresses->begin(), addresses->end());
  }

  void classes() {
    std::map<std::string, std::string_view> seen;
    for (const std::string_view list : class_lists) {
      const auto value = main_.expand(list);
      if (!value) continue;
      for (const std::string_view item : maps::split_list(*value)) {
        if (item.find_first_of("/:!{") != std::string_view::npos) continue;
        const auto [earlier, is_new] = seen.try_emplace(ascii::lowercase(item), list);
        if (is_new || earlier->second == list) continue;
        // What is local may be in relay_domains, as the default of old levels has it.
        if (list == "relay_domains" && (earlier->second == "mydestination" || main_.find(list) == nullptr)) continue;
        mistakes_.add(where_is(main_, list), fmt::format("do not list domain {} in BOTH {} and {}", item, earlier->second, list));
      }
    }
  }

  void next_hop(std::string_view name) {
    const config::Entry* const entry = main_.find(name);
    if (entry == nullptr) return;
    const auto value = main_.expand(name);
    if (!value) return;  // told already
    for (const std::string_view hop : maps::split_list(*value)) {
      if (is_own(hop)) mistakes_.add(entry->where(), fmt::format("{} = {}: mail for {} loops back to myself", name, hop, hop));
    }
  }

  // "example.net  smtp:[127.0.0.1]" where 127.0.0.1 is ourselves.
  void transport_table() {
    const config::Entry* const entry = main_.find("transport_maps");
    if (entry == nullptr) return;
    each("transport_maps", [&](std::string_view key, std::string_view value) {
      const std::size_t colon = value.find(':');
      if (colon == std::string_view::npos || !is_among(smtp_clients, value.substr(0, colon)) || !is_own(value.substr(colon + 1))) return;
      mistakes_.add(entry->where(), fmt::format("transport_maps: {} {}: mail for {} loops back to myself", key, value, key));
    });
  }

  // Aliases that have one name each and come back to the first.
  void alias_tables() {
    const config::Entry* const entry = main_.find("alias_maps");
    if (entry == nullptr) return;
    std::map<std::string, std::string> next;
    each("alias_maps", [&](std::string_view key, std::string_view value) {
      if (value.find_first_of(",@/|\":\\ ") == std::string_view::npos) next.try_emplace(ascii::lowercase(key), ascii::lowercase(value));
    });
    std::set<std::string> done;
    for (const auto& [start, first] : next) {
      std::set<std::string> on_the_way{start};
      std::string path = start, name = first;
      // One that is its own is a mailbox.
      while (name != start && next.contains(name) && on_the_way.insert(name).second && !done.contains(name)) {
        path += " -> " + name;
        name = next[name];
      }
      if (name == start && on_the_way.size() > 1) {
        mistakes_.add(entry->where(), fmt::format("alias_maps: alias loop: {} -> {}: mail forwarding loop for {}", path, start, start));
      }
      done.insert(start);
    }
  }

  void networks() {
    const auto value = main_.expand("mynetworks");
    if (!value || main_.find("mynetworks") == nullptr) return;
    for (const std::string_view item : maps::split_list(*value)) {
      if (is_among(everybody, item)) {
        mistakes_.add(where_is(main_, "mynetworks"), fmt::format("mynetworks: {} lets everybody send mail to anywhere", item));
      }
      if (item.find_first_of(":{") != std::string_view::npos && !item.starts_with('[')) continue;
      auto list = maps::MatchList::parse(tables_, "mynetworks", item, maps::ListKind::address, false);
      const auto asked = list ? list->matches("255.255.255.255") : base::fail(list.error().message());
      if (!asked) mistakes_.add(where_is(main_, "mynetworks"), asked.error().message());
    }
  }

  void restrictions() {
    const std::string class_text = main_.expand("smtpd_restriction_classes").value_or("");
    const auto classes = config::list_items(class_text);
    bool is_closed = false;
    for (const std::string_view list : config::restriction_lists) {
      const auto value = main_.expand(list);
      if (!value) return;  // told already
      const bool says_who_may_relay = list == "smtpd_relay_restrictions" || list == "smtpd_recipient_restrictions";
      std::string_view asking;  // what takes the next item for its argument
      for (const std::string_view item : config::list_items(*value)) {
        is_closed |= says_who_may_relay && (is_among(closing, item) || is_among(classes, item));
        if (main_.find(list) != nullptr) asking.empty() ? restriction(list, item, is_among(classes, item)) : argument(list, asking, item);
        asking = asking.empty() && takes_argument(item) ? item : std::string_view();
      }
    }
    if (is_closed) return;
    mistakes_.add(where_is(main_, "smtpd_recipient_restrictions"),
                  "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance "
                  "of: reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit or check_relay_domains");
  }

 private:
  static bool takes_argument(std::string_view item) {
    const std::string name = ascii::lowercase(item);
    constexpr std::array others{std::string_view("reject_rbl_client"),       std::string_view("reject_rhsbl_client"),
                                std::string_view("reject_rhsbl_helo"),       std::string_view("reject_rhsbl_recipient"),
                                std::string_view("reject_rhsbl_sender"),     std::string_view("reject_rhsbl_reverse_client"),
                                std::string_view("permit_dnswl_client"),     std::string_view("permit_rhswl_client"),
                                std::string_view("sleep")};
    return (name.starts_with("check_") && name != "check_relay_domains") || is_among(others, name);
  }

  void restriction(std::string_view list, std::string_view item, bool is_class) {
    if (is_class || item.contains(':') || item.starts_with('{') || config::is_restriction_name(item)) return;
    mistakes_.add(where_is(main_, list), fmt::format("{}: unknown smtpd restriction: \"{}\"", list, item));
  }

  void argument(std::string_view list, std::string_view asking, std::string_view item) {
    if (!asking.ends_with("_access") || item.contains(':')) return;
    mistakes_.add(where_is(main_, list), fmt::format("{}: restriction {}: bad argument \"{}\": need maptype:mapname", list, asking, item));
  }

  // A next hop of SMTP at our own port 25.
  [[nodiscard]] bool is_own(std::string_view hop) const {
    std::string_view host = hop;
    if (host.starts_with('[')) {
      const std::size_t end = host.find(']');
      if (end == std::string_view::npos || (end + 1 != host.size() && host.substr(end + 1) != ":25" && host.substr(end + 1) != ":smtp")) return false;
      host = host.substr(1, end - 1);
    }
    return own_.contains(ascii::lowercase(host));
  }

  template <class Visit>
  void each(std::string_view parameter, const Visit& visit) {
    const auto value = main_.expand(parameter);
    if (!value) return;
    for (const std::string_view item : maps::split_list(*value)) {
      if (maps::find_type(item.substr(0, item.find(':'))) == nullptr) continue;
      auto table = tables_.open(item, maps::Flags::no_proxy);
      if (!table || !(*table)->ready()) continue;  // examine_tables tells
      std::size_t count = 0;
      // What cannot be listed is not looked at.
      static_cast<void>((*table)->each([&](std::string_view key, std::string_view text) {
        if (++count <= entries_looked_at) visit(key, text);
      }));
    }
  }

  const config::Main& main_;
  Mistakes& mistakes_;
  maps::Tables tables_;
  std::set<std::string> own_;
};

}  // namespace

void examine_mail(const Examined& examined, Mistakes& mistakes) {
  Examiner examiner(examined.main, mistakes);
  examiner.classes();
  for (const std::string_view name : next_hops) examiner.next_hop(name);
  examiner.transport_table();
  examiner.alias_tables();
  examiner.networks();
  examiner.restrictions();
}

}  // namespace postfix
