#include "lib/config/log_setup.h"

#include <array>
#include <charconv>
#include <cstdlib>

#include <unistd.h>

#include "lib/log/log.h"
#include "lib/log/sink.h"

namespace config {
namespace {

struct Facility {
  std::string_view name;
  int number;
};
// syslog(3) facilities.
constexpr std::array facilities{
    Facility{"kern", 0},    Facility{"user", 1},    Facility{"mail", 2},    Facility{"daemon", 3},  Facility{"auth", 4},
    Facility{"syslog", 5},  Facility{"lpr", 6},     Facility{"news", 7},    Facility{"uucp", 8},    Facility{"cron", 9},
    Facility{"authpriv", 10}, Facility{"ftp", 11},  Facility{"local0", 16}, Facility{"local1", 17}, Facility{"local2", 18},
    Facility{"local3", 19}, Facility{"local4", 20}, Facility{"local5", 21}, Facility{"local6", 22}, Facility{"local7", 23},
};

int facility_number(const Main& main, std::string_view name) {
  for (const Facility& facility : facilities) {
    if (facility.name == name) return facility.number;
  }
  maillog::fatal("file {}/main.cf: parameter syslog_facility: unrecognized value: {}", main.directory(), name);
}

std::string value_of(const Main& main, std::string_view name) {
  Result<std::string> value = main.string(name);
  if (!value) maillog::fatal("{}", value.error().message());
  return std::move(*value);
}

constexpr std::string_view syslog_socket = "/dev/log";

}  // namespace

Result<mode_t> log_file_mode(std::string_view text) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > 0777) {
    return base::fail("bad octal value of maillog_file_permissions: " + std::string(text));
  }
  return static_cast<mode_t>(mode);
}

void open_log(const Main& main, std::string_view program, LogUser user) {
  // An entry point that runs another program hands its own tag down.
  const char* const tag = std::getenv("MAIL_LOGTAG");
  const std::string name = tag != nullptr && user != LogUser::daemon ? std::string(tag) : value_of(main, "syslog_name");
  maillog::set_tag(name + "/" + std::string(program));

  maillog::SinkOptions options;
  options.facility = facility_number(main, value_of(main, "syslog_facility"));
  options.also_standard_error = user != LogUser::daemon;
  if (user == LogUser::script) options.standard_error_name = name + "/postlog";
  // Who looks on sees which script it is.
  options.whole_tag_on_standard_error = user == LogUser::script && ::isatty(STDERR_FILENO) != 0;
  const std::string file = value_of(main, "maillog_file");
  if (file.empty()) {
    options.target = maillog::Target::syslog;
    options.path = syslog_socket;
  } else {
    options.target = maillog::Target::postlog;
    const std::string socket = "public/" + value_of(main, "postlog_service_name");
    options.path = user == LogUser::daemon ? socket : value_of(main, "queue_directory") + "/" + socket;
    options.fallback_file = file;
    const auto mode = log_file_mode(value_of(main, "maillog_file_permissions"));
    if (!mode) maillog::fatal("{}", mode.error().message());
    options.file_mode = *mode;
  }
  maillog::open(std::move(options));
}

}  // namespace config
