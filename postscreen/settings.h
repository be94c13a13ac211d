#pragma once
// What main.cf says, understood. There are two of it: `stress` is empty in the one and "yes" in the other.

#include <array>

#include "lib/config/main_cf.h"
#include "lib/maps/table.h"
#include "lib/smtp/ehlo_keywords.h"
#include "lib/smtp/reject_footer.h"
#include "lib/smtp/tls_level.h"
#include "postscreen/access_list.h"
#include "postscreen/dnsbl.h"
#include "postscreen/postscreen_params.h"
#include "postscreen/results.h"

namespace postscreen {

// What becomes of a client who has failed a test: it is only logged; his mail is refused; he is cut off.
enum class Action { ignore, enforce, drop };

struct Settings {
  Params params;
  TestSet enabled;
  Action denylist = Action::ignore;
  std::array<Action, test_count> actions{};
  smtp::Ehlo discarded = smtp::Ehlo::none;
  smtp::TlsLevel tls = smtp::TlsLevel::none;

  static Result<Settings> load(const config::Main& main);
  [[nodiscard]] Action action(Test test) const { return actions[static_cast<std::size_t>(test)]; }
  // How long who has passed counts as good; for DNS lists the answers say.
  [[nodiscard]] std::chrono::seconds lifetime(Test test) const;
};

// Of EHLO keywords those that there are; the others are logged.
[[nodiscard]] smtp::Ehlo known_keywords(std::string_view value);

// Tables and lists that do not depend on `stress`.
struct Lists {
  AccessList access;
  maps::MatchList interfaces;        // where one may become known as good
  maps::MatchList forbidden;
  maps::Maps reply_names, discard_ehlo, command_filter;
  smtp::RejectFooter footer;
  DnsblSites sites;

  static Result<Lists> open(maps::Tables& tables, const Params& params);
};

}  // namespace postscreen
