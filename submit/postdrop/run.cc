#include "submit/postdrop/run.h"

#include <cstdlib>

#include <fmt/core.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/command_directory.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"
#include "submit/environment.h"
#include "submit/postdrop/drop.h"
#include "submit/postdrop/login_senders.h"
#include "submit/postdrop/postdrop_params.h"
#include "submit/postdrop/replies.h"
#include "submit/postdrop/wake_pickup.h"
#include "submit/user.h"

namespace postdrop {
namespace {

// Of local_login_sender_maps. The default allows everybody everything, and then nothing is looked up.
Result<SenderRule> sender_rule(const config::Main& main, const Params& params, const submit::User& user) {
  if (params.local_login_sender_maps == "static:*") return SenderRule();
  const LoginSenderRules rules{.maps = params.local_login_sender_maps,
                               .empty_address = params.empty_address_local_login_sender_maps_lookup_key,
                               .delimiters = {params.recipient_delimiter, params.owner_request_special}};
  const AllowedSenders allowed = TRY(allowed_senders(main, user, rules));
  return SenderRule([rules, allowed](std::string_view sender) -> std::optional<SenderRefusal> {
    if (allowed.lookup_failed) {
      return SenderRefusal{Status::write, fmt::format("local_login_sender_maps table lookup error for '{}'", rules.maps)};
    }
    if (allows(allowed.patterns, sender, rules)) return std::nullopt;
    return SenderRefusal{Status::not_permitted, fmt::format("not authorized to use sender='{}'", ascii::printable(mail::to_external(sender)))};
  });
}

template <class T>
T or_fatal(Result<T> result) {
  if (!result) maillog::exit_fatal(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

int run(const std::optional<std::string>& config_directory) {
  const config::Main main = or_fatal(config::Main::read(or_fatal(config::command_directory(config_directory))));
  const Params params = or_fatal(Params::load(main));
  submit::clean_own_environment(params.import_environment);
  config::open_log(main, "postdrop", config::LogUser::command);
  const submit::User user = submit::current_user();
  or_fatal(submit::may_submit(main, user, params.authorized_submit_users));
  const SenderRule rule = or_fatal(sender_rule(main, params, user));
  if (::chdir(params.queue_directory.c_str()) != 0) {
    maillog::exit_fatal(base::Error::system("chdir " + params.queue_directory).message());
  }

  Input input(STDIN_FILENO, static_cast<std::size_t>(params.line_length_limit));
  const auto form = params.enable_long_queue_ids ? queue::IdForm::long_form : queue::IdForm::short_form;
  MaildropFile file = or_fatal(MaildropFile::create(form, base::system_clock(), params.message_size_limit));
  reply_opened(file.id().text());
  const Ended ended = copy_message(input, std::move(file), base::system_clock(), fmt::format("uid={}", user.uid), rule);
  switch (ended.how) {
    case Ended::How::fatal: maillog::exit_fatal(ended.text);
    case Ended::How::abandoned: break;
    case Ended::How::dropped:
      wake_pickup(params.pickup_service_name);
      reply_ended(ended.status, "");
      break;
    case Ended::How::refused: reply_ended(ended.status, ended.text); break;
  }
  // Of an exit status eight bits are left.
  return ended.status == Status::not_permitted ? EXIT_FAILURE : static_cast<int>(ended.status);
}

}  // namespace postdrop
