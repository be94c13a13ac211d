#include "imapd/owner.h"

#include <memory>

#include "imapd/session.h"
#include "imapd/site.h"
#include "lib/owner/service.h"
#include "lib/store/quota_books.h"

namespace imapd {
namespace {

struct Quotas {
  std::unique_ptr<maps::Tables> tables;   // outlives what was opened in it
  store::QuotaRules rules;
};

}  // namespace

Result<std::unique_ptr<server::Service>> make_owner(server::Startup& startup) {
  const auto site = std::make_shared<const Site>(TRY(Site::make(startup)));
  const Params& params = site->params;
  const auto quotas = std::make_shared<Quotas>();
  const owner::Settings settings{.service = "imap",
                                 .auth_service = params.auth_service_name,
                                 .mail_location = owner::location_of(params.mail_location, params.home_mailbox, params.mail_spool_directory),
                                 .user_sessions_limit = params.imapd_user_connection_count_limit,
                                 .limit_parameter = "imapd_user_connection_count_limit",
                                 .quota_of = [quotas](const auth::User& user) { return quotas->rules.of(user.name, user.quota_rule); }};
  auto service = TRY(owner::Service::make(startup, settings, [site](owner::Session& session) { Session(session, *site).run(); }));
  // The spawner has been forked: tables may have threads and connections.
  quotas->tables = std::make_unique<maps::Tables>(startup.table_options());
  quotas->rules = TRY(store::QuotaRules::open(*quotas->tables, params.mail_quota, params.mail_quota_maps));
  return service;
}

}  // namespace imapd
