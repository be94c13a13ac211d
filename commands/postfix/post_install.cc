#include "commands/postfix/post_install.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/postfix/directories.h"
#include "commands/postfix/installed_files.h"
#include "commands/postfix/upgrade.h"
#include "lib/config/main_cf.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "lib/process/account.h"
#include "lib/process/process.h"

namespace postfix {
namespace {

using base::fail;

constexpr int depth_limit = 20;

constexpr std::string_view usage =
    "usage: postfix post-install [name=value ...] create-missing|set-permissions|upgrade-permissions|upgrade-configuration|"
    "upgrade-source|upgrade-package|first-install-reminder ...";

// What an argument may set. Others are ignored, as Postfix does: packages' scripts name what they once had.
constexpr std::array installation_parameters{
    std::string_view("command_directory"), std::string_view("daemon_directory"), std::string_view("data_directory"),
    std::string_view("html_directory"),    std::string_view("mail_owner"),       std::string_view("mailq_path"),
    std::string_view("manpage_directory"), std::string_view("meta_directory"),   std::string_view("newaliases_path"),
    std::string_view("queue_directory"),   std::string_view("readme_directory"), std::string_view("sample_directory"),
    std::string_view("sendmail_path"),     std::string_view("setgid_group"),     std::string_view("shlib_directory")};

struct Work {
  bool create = false, upgrade_permissions = false, all_permissions = false, upgrade_configuration = false;
  bool obsolete = false, reminder = false;
  std::vector<config::Entry> settings;
};

struct Step {
  std::string_view name;
  void (*add)(Work& work);
};
constexpr std::array steps{
    Step{"create-missing", [](Work& work) { work.create = true; }},
    Step{"set-permissions", [](Work& work) { work.create = work.all_permissions = true; }},
    Step{"upgrade-permissions", [](Work& work) { work.create = work.upgrade_permissions = true; }},
    Step{"upgrade-configuration", [](Work& work) { work.upgrade_configuration = work.obsolete = true; }},
    Step{"upgrade-source",
         [](Work& work) { work.create = work.upgrade_permissions = work.upgrade_configuration = work.obsolete = true; }},
    Step{"upgrade-package",
         [](Work& work) { work.create = work.all_permissions = work.upgrade_configuration = work.obsolete = true; }},
    Step{"first-install-reminder", [](Work& work) { work.reminder = true; }},
};

Result<Work> parse_arguments(const std::vector<std::string>& arguments) {
  Work work;
  for (const std::string& text : arguments) {
    if (text.contains('=')) {
      work.settings.push_back(TRY(config::parse_setting(text)));
      continue;
    }
    const auto* const step = std::ranges::find(steps, text, &Step::name);
    if (step == steps.end()) return fail(std::string(usage));
    step->add(work);
  }
  return work;
}

void print(const std::string& text) {
  const Fd output(::dup(STDOUT_FILENO));
  static_cast<void>(io::write_all(output, "standard output", text));  // whoever asked has gone: nothing to tell anybody
}

// main.cf gets them before anything else is done with them, and nothing that would make it useless.
Result<void> set_parameters(const Context& context, const std::vector<config::Entry>& settings) {
  std::vector<std::string> argv{context.params.command_directory + "/postconf", "-c", context.config_directory, "-e"};
  const std::size_t without_settings = argv.size();
  for (const config::Entry& setting : settings) {
    if (std::ranges::find(installation_parameters, setting.name) == installation_parameters.end()) continue;
    if (setting.name == "mail_owner") {
      const auto account = process::find_account(setting.value);
      if (!account) return fail(fmt::format("mail_owner={}: {}", setting.value, account.error().message()));
    }
    if (setting.name == "setgid_group") {
      const auto group = process::find_group(setting.value);
      if (!group) return fail(fmt::format("setgid_group={}: {}", setting.value, group.error().message()));
    }
    argv.push_back(fmt::format("{} = {}", setting.name, setting.value));
  }
  if (argv.size() == without_settings) return {};
  auto child = TRY(process::Process::start({.argv = std::move(argv), .environment = environment(context)}));
  const process::Exit exit = child.wait();
  return exit.signalled || exit.status != 0 ? fail("main.cf could not be changed") : Result<void>();
}

struct Wanted {
  uid_t uid;
  gid_t gid;
  mode_t directory_mode;
};

// Owner and group of what is below a queue directory, and the mode of directories there. The mail owner could put links
// there at any moment: all is done by descriptor, none is followed, and a file that has another name is left alone.
void give_tree(const Fd& directory, const std::string& path, const Wanted& wanted, int depth) {
  const auto warn = [](const std::string& what) { maillog::warning("{}", base::Error::system(what).message()); };
  if (depth == depth_limit) return;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/self/fd/{}", directory.get()), error)) {
    const std::string name = entry.path().filename().string();
    const std::string shown = fmt::format("{}/{}", path, name);
    const Fd below(::openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!below || ::fstat(below.get(), &status) != 0) continue;  // it has gone
    const bool is_directory = S_ISDIR(status.st_mode);
    if (!is_directory && (S_ISLNK(status.st_mode) || status.st_nlink > 1)) continue;
    if (::fchownat(below.get(), "", wanted.uid, wanted.gid, AT_EMPTY_PATH) != 0) warn("change owner of " + shown);
    if (!is_directory) continue;
    const Fd opened(::openat(below.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || ::fchmod(opened.get(), wanted.directory_mode) != 0) {
      warn("change mode of " + shown);
    } else {
      give_tree(opened, shown, wanted, depth + 1);
    }
  }
}

Result<void> set_permission(const InstalledFile& file) {
  const uid_t uid = TRY(process::find_account(file.owner)).uid;
  const gid_t gid = file.group.empty() ? static_cast<gid_t>(-1) : TRY(process::find_group(file.group));
  struct stat status {};
  if (::lstat(file.path.c_str(), &status) != 0) return base::fail_system("look at " + file.path);
  if (S_ISLNK(status.st_mode)) return {};  // where it leads is somebody else's
  if (S_ISDIR(status.st_mode) != (file.type == 'd')) {
    return fail(fmt::format("{} is {}a directory", file.path, file.type == 'd' ? "not " : ""));
  }
  if (::lchown(file.path.c_str(), uid, gid) != 0) return base::fail_system("change owner of " + file.path);
  // After the owner, whose change takes set-gid away.
  if (::chmod(file.path.c_str(), file.mode) != 0) return base::fail_system("change mode of " + file.path);
  if (!file.has('r')) return {};
  const Fd directory(::open(file.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return base::fail_system("open " + file.path);
  give_tree(directory, file.path, {uid, gid, file.mode}, 0);
  return {};
}

bool is_there(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

// What is missing or wrong is told, and the rest is done all the same.
bool set_permissions_of(const std::vector<InstalledFile>& files, const Context& context, const Work& work) {
  bool good = true;
  for (const InstalledFile& file : files) {
    if (file.type == 'l' || file.type == 'h' || file.has('o')) continue;
    if (!work.all_permissions && !file.has('u')) continue;
    if (context.is_secondary && (!file.is_of_instance() || (file.has('1') && !is_there(file.path)))) continue;
    if (const auto done = set_permission(file); !done) {
      maillog::warning("{}", done.error().message());
      good = false;
    }
  }
  return good;
}

void tell_obsolete(const std::vector<InstalledFile>& files, const Context& context) {
  std::string list;
  for (const InstalledFile& file : files) {
    const bool ours_to_tell = file.has('o') && (!context.is_secondary || file.is_of_instance());
    if (ours_to_tell && is_there(file.path)) list += fmt::format("    {}\n", file.path);
  }
  if (!list.empty()) print("\nThese are there but no longer belong to the mail system:\n\n" + list + "\n");
}

void remind(const Context& context) {
  print(fmt::format("\nBefore the first message: look at myorigin, mydestination and mynetworks in {}/main.cf,\n"
                    "let the aliases of root and postmaster lead to a person, and run {}.\n\n",
                    context.config_directory, context.params.newaliases_path));
}

Result<bool> perform(const Context& before, const Work& work) {
  TRY(set_parameters(before, work.settings));
  const config::Main main = TRY(config::Main::read(before.config_directory));
  Context context = before;
  context.params = TRY(Params::load(main));
  bool good = true;
  if (work.create) {
    const Owners owners = TRY(find_owners(context.params));
    TRY(create_missing(context.params, owners));
  }
  if (work.all_permissions || work.upgrade_permissions || work.obsolete) {
    const auto files = read_installed_files(context.params.meta_directory, main);
    // An installation without the list can have a new master.cf all the same.
    if (!files && !work.obsolete) return base::Failure(files.error());
    if (files && (work.all_permissions || work.upgrade_permissions)) good = set_permissions_of(*files, context, work);
    if (work.upgrade_configuration) good = upgrade_master(context) == 0 && good;
    if (files && work.obsolete) tell_obsolete(*files, context);
  }
  if (work.reminder) remind(context);
  return good;
}

int run(const Context& context, const Result<Work>& work) {
  const auto done = work ? perform(context, *work) : base::fail(work.error().message());
  if (done) return *done ? 0 : 1;
  maillog::write(maillog::Level::fatal, done.error().message());
  return 1;
}

int run_step(const Context& context, std::string_view step) {
  std::vector<std::string> arguments{std::string(step)};
  arguments.insert(arguments.end(), context.arguments.begin(), context.arguments.end());
  return run(context, parse_arguments(arguments));
}

}  // namespace

int set_permissions(const Context& context) { return run_step(context, "set-permissions"); }

int upgrade_configuration(const Context& context) { return run_step(context, "upgrade-configuration"); }

int post_install(const Context& context) {
  if (context.arguments.empty()) return run(context, base::fail(std::string(usage)));
  return run(context, parse_arguments(context.arguments));
}

}  // namespace postfix
