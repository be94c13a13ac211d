// maildirmake(1): makes a Maildir, or a folder in one, as the user who calls it and with no other rights. What is wrong is said on
// standard error; nothing that is there already is changed, but for the quota.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/store/folder.h"
#include "lib/store/location.h"
#include "lib/store/maildir.h"
#include "lib/store/names.h"
#include "lib/store/quota.h"

namespace {

struct Options {
  std::string folder, quota, maildir;
};

[[noreturn]] void die(int status, std::string_view text) {
  fmt::print(stderr, "maildirmake: {}\n", text);
  std::exit(status);
}

[[noreturn]] void usage() {
  fmt::print(stderr, "usage: maildirmake [-q quota] [-f folder] maildir\n");
  std::exit(EX_USAGE);
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "f:q:")) != -1;) {
    switch (option) {
      case 'f': options.folder = optarg; break;
      case 'q': options.quota = optarg; break;
      default: usage();
    }
  }
  if (optind + 1 != argc) usage();
  options.maildir = std::filesystem::absolute(argv[optind]).lexically_normal().string();
  while (options.maildir.size() > 1 && options.maildir.ends_with('/')) options.maildir.pop_back();
  return options;
}

void make(const Options& options) {
  store::Location location;
  location.root = location.inbox = options.maildir;
  const std::string name = options.folder.empty() ? std::string(store::inbox_name) : store::canonical_name(options.folder, location.separator());
  if (!options.folder.empty()) {
    if (const auto good = store::check_name(name, location); !good) die(EX_USAGE, fmt::format("{}: {}", options.folder, good.error().message()));
    if (::access((options.maildir + "/cur").c_str(), F_OK) != 0) die(EX_NOINPUT, fmt::format("{} is no Maildir", options.maildir));
  }
  const store::Places places = store::places_of(name, location);
  if (::access((places.mail.path() + "/cur").c_str(), F_OK) == 0) {
    if (options.quota.empty()) die(EX_CANTCREAT, fmt::format("{}: it is there already", places.mail.path()));
    return;
  }
  if (const auto made = store::make_maildir(places); !made) die(EX_CANTCREAT, made.error().message());
}

void set_quota(const Options& options) {
  const auto limit = store::QuotaLimit::parse(options.quota);
  if (!limit) die(EX_USAGE, fmt::format("{}: {}", options.quota, limit.error().message()));
  if (const auto use = store::Quota(options.maildir, *limit).recount(); !use) die(EX_CANTCREAT, use.error().message());
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  make(options);
  if (!options.quota.empty()) set_quota(options);
  return 0;
}
