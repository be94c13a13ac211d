// authtest(1): asks the authentication server whether a user may log in. Run by root, who may reach its socket.

#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "commands/authtest/authtest_params.h"
#include "lib/auth/client.h"
#include "lib/base/base64.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"

namespace {

constexpr std::string_view usage = "usage: authtest [-c config_dir] [-a server] [-s service] [-u] user [password]";
constexpr std::size_t password_limit = 1024;
constexpr int wrong = 1;

// Nothing is shown while it is typed; the terminal is as before afterwards.
class Unseen {
 public:
  Unseen() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!is_terminal_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    say("Password: ");
  }
  ~Unseen() {
    if (!is_terminal_) return;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    say("\n");
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;

 private:
  static void say(std::string_view text) { [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size()); }

  termios before_{};
  bool is_terminal_;
};

std::string read_password() {
  const Unseen unseen;
  std::string password;
  char c = 0;
  while (password.size() < password_limit && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') password += c;
  return password;
}

void say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
}

int report(const Result<auth::Client::Started>& started, std::string_view user) {
  using Kind = auth::Answer::Kind;
  if (!started) maillog::warning("{}", started.error().message());
  if (!started) return EX_TEMPFAIL;
  const auth::Answer& answer = started->answer;
  const std::string why = answer.text.empty() ? std::string() : ": " + answer.text;
  switch (answer.kind) {
    case Kind::accepted: say(fmt::format("{}: logged in as {}", user, answer.user)); return 0;
    case Kind::refused: say(fmt::format("{}: refused{}", user, why)); return wrong;
    case Kind::challenge:
    case Kind::unavailable: break;
  }
  say(fmt::format("{}: the server cannot tell now{}", user, why));
  return EX_TEMPFAIL;
}

// -u: where the user has his mailbox.
int show(const Result<std::optional<auth::User>>& found, std::string_view name) {
  if (!found) maillog::warning("{}", found.error().message());
  if (!found) return EX_TEMPFAIL;
  if (!*found) {
    say(fmt::format("{}: unknown", name));
    return wrong;
  }
  const auth::User& user = **found;
  std::string text = fmt::format("{}: uid={} gid={}", user.name, user.uid, user.gid);
  if (!user.home.empty()) text += " home=" + user.home;
  if (!user.mail.empty()) text += " mail=" + user.mail;
  if (!user.quota_rule.empty()) text += " quota_rule=" + user.quota_rule;
  say(text);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/authtest");
  std::string directory = config::config_directory_from_environment(), server = "private/auth", service = "smtp";
  bool asks_where = false;
  for (int option; (option = ::getopt(argc, argv, "a:c:s:uv")) != -1;) {
    switch (option) {
      case 'a': server = optarg; break;
      case 'c': directory = optarg; break;
      case 's': service = optarg; break;
      case 'u': asks_where = true; break;
      case 'v': break;
      default: maillog::fatal("{}", usage);
    }
  }
  if (argc - optind < 1 || argc - optind > 2) maillog::fatal("{}", usage);
  const std::string user = argv[optind];
  const auto main_cf = config::Main::read(directory);
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  const auto params = authtest::Params::load(*main_cf);
  if (!params) maillog::fatal("{}", params.error().message());
  config::open_log(*main_cf, "authtest", config::LogUser::command);
  if (::chdir(params->queue_directory.c_str()) != 0) {
    maillog::fatal("{}", base::Error::system("chdir " + params->queue_directory).message());
  }
  auto client = auth::Client::to(server);
  if (!client) maillog::fatal("{}", client.error().message());
  if (asks_where) return show(client->user(user, service), user);
  const std::string password = argc - optind == 2 ? std::string(argv[optind + 1]) : read_password();
  const std::string response = base::encode_base64(std::string(1, '\0') + user + std::string(1, '\0') + password);
  return report(client->start({.mechanism = "PLAIN",
                               .service = service,
                               .local_address = "127.0.0.1",
                               .remote_address = "127.0.0.1",
                               .is_encrypted = false,
                               .initial = response}),
                user);
}
