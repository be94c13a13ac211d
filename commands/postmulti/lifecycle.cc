#include "commands/postmulti/lifecycle.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/postmulti/removal.h"
#include "lib/base/ascii.h"
#include "lib/config/file.h"
#include "lib/config/log_setup.h"
#include "lib/io/file.h"
#include "lib/process/process.h"

namespace postmulti {

namespace {

using base::fail;

constexpr std::string_view name_prefix = "postfix-";
constexpr mode_t directory_mode = 0755;
constexpr mode_t file_mode = 0644;

// What instances share: taken over from the primary one when main.cf sets it there, and else left to its default, whatever
// main.cf.proto has.
constexpr std::array shared_parameters{"command_directory", "daemon_directory", "html_directory", "mail_owner",
                                       "mailq_path", "manpage_directory", "meta_directory", "newaliases_path",
                                       "readme_directory", "sample_directory", "sendmail_path", "setgid_group",
                                       "shlib_directory"};

struct Setting {
  std::string name, value;
};

bool is_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// The last part of the primary instance's path gives way to the name.
std::string beside(const std::string& path, std::string_view name) {
  return fmt::format("{}/{}", path.substr(0, path.rfind('/')), name);
}

Result<void> write_new(const std::string& path, std::string_view text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode));
  if (!file) return base::fail_system("create " + path);
  TRY(io::write_all(file, path, text));
  return ::fchmod(file.get(), file_mode) == 0 ? Result<void>() : base::fail_system("chmod " + path);  // past the umask
}

class Editor {
 public:
  Editor(const Options& options, const config::Main& main, const Params& params, const std::vector<Instance>& instances)
      : options_(options), main_(main), params_(params), instances_(instances) {}

  Result<void> edit() {
    switch (options_.action) {
      case Action::init:
        return set(primary(), {{"multi_instance_enable", "yes"},
                               {"multi_instance_wrapper", "${command_directory}/postmulti -p --"}});
      case Action::create:
      case Action::import_: return add();
      case Action::destroy:
      case Action::deport: return give_up();
      case Action::enable: return set_enabled("yes");
      case Action::disable: return set_enabled("no");
      case Action::assign: return assign();
    }
    return {};
  }

 private:
  [[nodiscard]] const Instance& primary() const { return instances_.front(); }

  // Whatever has several instances must be able to start them. From here on the log has the name that Postfix's script has.
  Result<void> begin() const {
    config::open_log(main_, "postmulti-script", config::LogUser::script);
    if (params_.multi_instance_wrapper.empty()) {
      return fail("multi_instance_wrapper is empty, run 'postmulti -e init' first.");
    }
    if (!params_.multi_instance_enable) return fail("multi_instance_enable!=yes, run 'postmulti -e init' first.");
    return {};
  }

  Result<void> run(std::vector<std::string> argv, const Instance& one) const {
    const std::string shown = fmt::format("{}", fmt::join(argv, " "));
    auto child = TRY(process::Process::start({.argv = std::move(argv),
                                              .environment = {"MAIL_CONFIG=" + one.config_directory,
                                                              "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}));
    const process::Exit exit = child.wait();
    if (!exit.signalled && exit.status == 0) return {};
    return fail(fmt::format("{} failed", shown));
  }

  Result<void> set(const Instance& one, const std::vector<Setting>& settings) const {
    std::vector<std::string> argv{params_.command_directory + "/postconf", "-c", one.config_directory, "-e"};
    for (const auto& [name, value] : settings) argv.push_back(fmt::format("{} = {}", name, value));
    return run(std::move(argv), one);
  }

  Result<const Instance*> chosen() const {
    const auto found = std::ranges::find_if(instances_, [&](const Instance& one) { return one.is_called(*options_.instance); });
    if (found == instances_.end()) return fail(fmt::format("No instance named {}", *options_.instance));
    return &*found;
  }

  static std::string without_dash(const std::string& text) { return text == "-" ? std::string() : text; }

  Result<void> check_new_name() const {
    if (!options_.new_name || *options_.new_name == "-") return {};
    const std::string& name = *options_.new_name;
    if (!name.starts_with(name_prefix)) return fail("New instance name must start with 'postfix-'");
    const bool plain = std::ranges::all_of(name, [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.'; });
    // It becomes part of paths.
    return plain ? Result<void>() : fail(fmt::format("bad instance name: {}", name));
  }

  Result<void> set_enabled(std::string_view value) const {
    const Instance& one = *TRY(chosen());
    TRY(begin());
    return set(one, {{"multi_instance_enable", std::string(value)}});
  }

  Result<void> assign() const {
    TRY(check_new_name());
    Instance one = *TRY(chosen());
    if (options_.new_name) {
      one.name = without_dash(*options_.new_name);
      std::vector<Instance> others = instances_;
      std::erase_if(others, [&](const Instance& other) { return other.config_directory == one.config_directory; });
      TRY(check_conflicts(one, others));
    }
    TRY(begin());
    return set(one, names());
  }

  // What main.cf of the instance is to say of -G and -I.
  [[nodiscard]] std::vector<Setting> names() const {
    std::vector<Setting> settings;
    if (options_.new_group) settings.push_back({"multi_instance_group", without_dash(*options_.new_group)});
    if (options_.new_name) settings.push_back({"multi_instance_name", without_dash(*options_.new_name)});
    return settings;
  }

  [[nodiscard]] std::vector<std::string> directories() const {
    std::vector<std::string> found;
    for (const Instance& one : instances_) {
      if (!one.primary) found.push_back(one.config_directory);
    }
    return found;
  }

  Result<void> set_directories(const std::vector<std::string>& list) const {
    return set(primary(), {{"multi_instance_directories", fmt::format("{}", fmt::join(list, " "))}});
  }

  Result<void> give_up() const {
    const Instance& one = *TRY(chosen());
    if (one.primary) return fail("Cannot remove the primary instance");
    if (one.enabled) return fail("Cannot remove enabled instances");
    TRY(begin());
    if (options_.action == Action::destroy) {
      TRY(check_removable(one));
      // As that instance itself, whose name is in the log.
      config::open_log(TRY(config::Main::read(one.config_directory)), "postmulti-script", config::LogUser::script);
      remove_queue_and_data(one);
      config::open_log(main_, "postmulti-script", config::LogUser::script);
      remove_configuration(one);
    }
    std::vector<std::string> left = directories();
    std::erase(left, one.config_directory);
    return set_directories(left);
  }

  // "config_directory=/path" and the like, of create and import.
  Result<void> read_arguments(Instance& one) const {
    const bool is_create = options_.action == Action::create;
    for (const std::string& text : options_.arguments) {
      const auto setting = config::parse_setting(text);
      if (!setting) return fail(fmt::format("Malformed parameter setting '{}'", text));
      std::string* const place = setting->name == "config_directory"               ? &one.config_directory
                                 : is_create && setting->name == "queue_directory" ? &one.queue_directory
                                 : is_create && setting->name == "data_directory"  ? &one.data_directory
                                                                                   : nullptr;
      if (place == nullptr) {
        return fail(fmt::format("Parameter '{}' not valid with action {}", setting->name, is_create ? "create" : "import"));
      }
      if (!setting->value.starts_with('/')) {
        return fail(fmt::format("Parameter setting '{}' is not an absolute path", setting->name));
      }
      *place = setting->value;
    }
    return {};
  }

  // What is not given is beside what the primary instance has, under the new name.
  Result<void> complete(Instance& one) const {
    const auto fill = [&](std::string_view parameter, std::string Instance::*member) -> Result<void> {
      if (!(one.*member).empty()) return {};
      if (one.name.empty()) return fail(fmt::format("Missing {} parameter value", parameter));
      one.*member = beside(primary().*member, one.name);
      return {};
    };
    TRY(fill("config_directory", &Instance::config_directory));
    for (const Instance& other : instances_) {
      if (one.config_directory != other.config_directory) continue;
      return fail(fmt::format("new config_directory={} is already in use by instance {}, config_directory={}",
                              one.config_directory, other.config_directory, other.config_directory));
    }
    if (is_present(one)) {
      Instance present = TRY(read_instance(one.config_directory));
      if (options_.new_name) present.name = one.name;
      one = std::move(present);
      return {};
    }
    TRY(fill("queue_directory", &Instance::queue_directory));
    return fill("data_directory", &Instance::data_directory);
  }

  [[nodiscard]] bool is_present(const Instance& one) const {
    if (options_.action == Action::import_) return true;
    return is_file(one.config_directory + "/main.cf") && is_file(one.config_directory + "/master.cf");
  }

  // The list with the new one at the place that -a, -g or -i mean, or at its end.
  Result<std::vector<std::string>> list_with(const Instance& one) const {
    std::vector<std::string> list = directories();
    if (options_.all) {
      list.insert(list.begin(), one.config_directory);
      return list;
    }
    if (!options_.group && !options_.instance) {
      list.push_back(one.config_directory);
      return list;
    }
    const auto before = std::ranges::find_if(instances_, [&](const Instance& other) {
      return !other.primary && other.is_selected(options_);
    });
    if (before == instances_.end()) return fail("No matching secondary instances");
    list.insert(std::ranges::find(list, before->config_directory), one.config_directory);
    return list;
  }

  Result<void> add() const {
    TRY(check_new_name());
    Instance one{.name = options_.new_name ? without_dash(*options_.new_name) : std::string(),
                 .group = {}, .config_directory = {}, .queue_directory = {}, .data_directory = {}};
    TRY(read_arguments(one));
    const std::vector<std::string> list = TRY(list_with(one_with_directory(one)));
    TRY(complete(one));
    TRY(check_conflicts(one, instances_));
    TRY(begin());
    if (!is_present(one)) TRY(make(one));
    if (!names().empty()) TRY(set(one, names()));
    TRY(run({params_.command_directory + "/postfix", "-c", one.config_directory, "post-install", "create-missing"}, one));
    return set_directories(list);
  }

  [[nodiscard]] Instance one_with_directory(Instance one) const {
    if (one.config_directory.empty()) one.config_directory = beside(primary().config_directory, one.name);
    return one;
  }

  // The stock configuration, with what is shared and the directories; it serves nobody on the network until the
  // administrator has looked at it.
  Result<void> make(const Instance& one) const {
    if (::mkdir(one.config_directory.c_str(), directory_mode) == 0) {
      if (::chmod(one.config_directory.c_str(), directory_mode) != 0) return base::fail_system("chmod " + one.config_directory);
    } else if (errno != EEXIST) {
      return base::fail_system("mkdir " + one.config_directory);
    }
    for (const std::string_view name : {"main.cf", "master.cf"}) {
      const std::string text = TRY(io::read_file(fmt::format("{}/{}.proto", params_.meta_directory, name), config::max_file_size));
      const std::string path = fmt::format("{}/{}", one.config_directory, name);
      // Half of a configuration, which is not one.
      if (::unlink(path.c_str()) != 0 && errno != ENOENT) return base::fail_system("remove " + path);
      TRY(write_new(path, text));
    }
    std::vector<Setting> settings{{"authorized_submit_users", ""},
                                  {"data_directory", one.data_directory},
                                  {"master_service_disable", "inet"},
                                  {"queue_directory", one.queue_directory}};
    std::vector<std::string> comment_out{params_.command_directory + "/postconf", "-c", one.config_directory, "-#"};
    for (const char* const name : shared_parameters) {
      if (const config::Entry* const entry = main_.find(name)) settings.push_back({name, entry->value});
      else comment_out.emplace_back(name);
    }
    TRY(run(std::move(comment_out), one));
    std::ranges::sort(settings, {}, &Setting::name);
    return set(one, settings);
  }

  const Options& options_;
  const config::Main& main_;
  const Params& params_;
  const std::vector<Instance>& instances_;
};

}  // namespace

Result<void> edit(const Options& options, const config::Main& main, const Params& params,
                  const std::vector<Instance>& instances) {
  return Editor(options, main, params, instances).edit();
}

}  // namespace postmulti
