// maildir2courier(1): writes Courier's files of the caller's mailboxes, from what pop3d and imapd know of them.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/config/main_cf.h"
#include "lib/process/account.h"
#include "lib/store/account.h"
#include "lib/store/courier_export.h"
#include "lib/store/location.h"

namespace {

[[noreturn]] void die(int status, std::string_view text) {
  fmt::print(stderr, "maildir2courier: {}\n", text);
  std::exit(status);
}

[[noreturn]] void usage() {
  fmt::print(stderr, "usage: maildir2courier [-c config_dir] [maildir]\n");
  std::exit(EX_USAGE);
}

template <class T>
T or_die(Result<T> result, std::string_view what) {
  if (!result) die(EX_CANTCREAT, fmt::format("{}: {}", what, result.error().message()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Where main.cf says that the caller has his mailboxes, or the named Maildir with everything in it.
store::Location location_of(const config::Main& main, const char* maildir) {
  const auto caller = process::find_account(::geteuid());
  if (!caller && maildir == nullptr) die(EX_NOUSER, fmt::format("no user has uid {}", ::geteuid()));
  const store::Variables variables = caller ? store::Variables{caller->name, caller->home} : store::Variables{"nobody", "/"};
  const std::string setting = or_die(main.string("mail_location"), "mail_location");
  const std::string text = setting.empty() ? "maildir:~/Maildir" : setting;
  store::Location location = or_die(store::Location::parse(text, variables), "mail_location");
  if (maildir != nullptr) {
    location.root = std::filesystem::absolute(maildir).lexically_normal().string();
    while (location.root.size() > 1 && location.root.ends_with('/')) location.root.pop_back();
    location.inbox = location.root;
    location.control.clear();
    location.index.clear();
    location.kind = store::Location::Kind::maildir;
  }
  if (location.kind != store::Location::Kind::maildir || location.layout != store::Location::Layout::maildir_plus_plus) {
    die(EX_CONFIG, text + ": Courier has Maildirs with LAYOUT=Maildir++ only");
  }
  if (::access((location.inbox + "/cur").c_str(), F_OK) != 0) die(EX_NOINPUT, location.inbox + " is no Maildir");
  return location;
}

}  // namespace

int main(int argc, char** argv) {
  std::string directory = config::config_directory_from_environment();
  for (int option; (option = ::getopt(argc, argv, "c:")) != -1;) {
    if (option != 'c') usage();
    directory = optarg;
  }
  if (argc - optind > 1) usage();
  // Whoever may write to a Maildir could lead root elsewhere.
  if (::geteuid() == 0) die(EX_NOPERM, "to be run by the owner of the mailboxes");
  const config::Main main = or_die(config::Main::read(directory), directory);
  const auto format = or_die(store::UidlFormat::parse(or_die(main.string("pop3d_uidl_format"), "pop3d_uidl_format")), "pop3d_uidl_format");
  const auto account = or_die(store::Account::open(location_of(main, argv[optind]), {}), "mailboxes");
  for (const store::Listed& mailbox : or_die(account->list(), "mailboxes")) {
    if (!mailbox.selectable) continue;
    const store::CourierExport done = or_die(store::export_to_courier(*account, mailbox.name, format), mailbox.name);
    if (done.without_uidl > 0) {
      fmt::print(stderr, "maildir2courier: {}: {} of {} messages will have another unique id: pop3d_uidl_format is not UID%u-%v\n", mailbox.name,
                 done.without_uidl, done.messages);
    }
  }
  or_die(store::export_subscriptions_to_courier(*account), "subscriptions");
  return 0;
}
