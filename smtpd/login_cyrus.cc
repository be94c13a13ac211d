// What Cyrus SASL would do with pwcheck_method: saslauthd: PLAIN and LOGIN here, the password to saslauthd. Not by Cyrus'
// library, whose plugins would read passwords within the process that faces the network.

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "lib/auth/saslauthd.h"
#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "smtpd/login_server.h"

namespace smtpd {
namespace {

using auth::Answer;

constexpr std::size_t file_limit = 64 * 1024;
constexpr std::string_view default_directories = "/etc/postfix/sasl:/usr/lib/sasl2";
constexpr std::string_view default_directory = "/var/run/saslauthd";
constexpr std::string_view socket_name = "/mux";
// As Cyrus SASL has them.
constexpr std::string_view failed_text = "authentication failure", malformed_text = "bad protocol / cancel", unavailable_text = "generic failure";

struct CyrusFile {
  std::string path;
  std::string pwcheck_method = "auxprop";   // as in Cyrus SASL
  std::string socket = std::string(default_directory) + std::string(socket_name);
  std::vector<std::string> mechanisms{"PLAIN", "LOGIN"};
};

base::Failure refuse(const std::string& path, std::string_view what) {
  return base::fail(fmt::format("smtpd_sasl_type = cyrus: {}: {}; of Cyrus SASL there is \"pwcheck_method: saslauthd\" with PLAIN and LOGIN: "
                                "keep other passwords with authd(8), or set smtpd_sasl_type = dovecot",
                                path, what));
}

Result<void> take_mechanisms(CyrusFile& file, std::string_view value) {
  file.mechanisms.clear();
  std::string others;
  for (const std::string_view word : ascii::split(value, " \t")) {
    const std::string name = ascii::uppercase(word);
    if (name == "PLAIN" || name == "LOGIN") file.mechanisms.push_back(name);
    else others += " " + name;
  }
  if (file.mechanisms.empty()) return refuse(file.path, fmt::format("mech_list: {} has nothing that saslauthd can serve", value));
  if (!others.empty()) maillog::warning("{}: mech_list: saslauthd cannot serve{}", file.path, others);
  return {};
}

Result<void> take_setting(CyrusFile& file, std::string_view name, std::string_view value) {
  if (name == "pwcheck_method") file.pwcheck_method = value;
  else if (name == "mech_list") TRY(take_mechanisms(file, value));
  else if (name == "saslauthd_path") file.socket = value;
  else if (name != "log_level") return refuse(file.path, fmt::format("the setting \"{}\" is not there", ascii::printable(name)));
  return {};
}

// "name: value"; "#" begins a comment.
Result<CyrusFile> parse(const std::string& path, std::string_view text) {
  CyrusFile file{.path = path};
  for (const std::string_view whole : ascii::split(text, "\n")) {
    const std::string_view line = ascii::trim(whole);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return refuse(path, fmt::format("\"{}\" is no setting", ascii::printable(line)));
    TRY(take_setting(file, ascii::trim(line.substr(0, colon)), ascii::trim(line.substr(colon + 1))));
  }
  if (file.pwcheck_method != "saslauthd") return refuse(path, fmt::format("pwcheck_method: {} is not there", ascii::printable(file.pwcheck_method)));
  return file;
}

// The first of the directories that has the file.
Result<CyrusFile> read(const CyrusSettings& settings) {
  const std::string_view directories = settings.config_path.empty() ? default_directories : settings.config_path;
  for (const std::string_view directory : ascii::split(directories, ":")) {
    const std::string path = fmt::format("{}/{}.conf", directory, settings.name);
    const auto text = io::read_file(path, file_limit);
    if (text) return parse(path, *text);
    if (text.error().code() != ENOENT) return base::Failure(text.error());
  }
  return refuse(fmt::format("{}.conf in {}", settings.name, directories), "there is no such file");
}

class CyrusServer final : public LoginServer {
 public:
  CyrusServer(const CyrusFile& file, CyrusSettings settings) : settings_(std::move(settings)), mechanisms_(file.mechanisms), saslauthd_(file.socket) {}

  Result<std::vector<auth::Mechanism>> mechanisms() override {
    std::vector<auth::Mechanism> out;
    for (const std::string& name : mechanisms_) out.push_back({name, auth::Property::plaintext});
    return out;
  }
  Result<Started> start(const auth::Attempt& attempt) override;

  // The verdict on what a client has said.
  [[nodiscard]] Answer check(const std::string& name, const std::string& password);

 private:
  CyrusSettings settings_;
  std::vector<std::string> mechanisms_;
  auth::Saslauthd saslauthd_;
};

Answer refused(std::string_view reason, std::string user = {}) { return {Answer::Kind::refused, std::string(reason), std::move(user)}; }

std::string shown(std::string_view name) {
  constexpr std::size_t shown_limit = 255;
  return ascii::printable(name.substr(0, shown_limit));
}

Answer CyrusServer::check(const std::string& name, const std::string& password) {
  const bool is_name = !name.empty() && name.size() <= auth::user_limit && std::ranges::none_of(name, ascii::is_control);
  // An empty one is taken for right by directories that let in anybody who shows none.
  if (!is_name || password.empty() || password.contains('\0')) return refused(failed_text, shown(name));
  // A realm that a name has is told apart from it.
  const std::size_t at = name.rfind('@');
  const std::string realm = at == std::string::npos ? settings_.local_domain : name.substr(at + 1);
  const auto is_right = saslauthd_.check({.user = name.substr(0, at), .password = password, .service = settings_.service, .realm = realm});
  if (!is_right) {
    maillog::warning("SASL authentication failure: {}", is_right.error().message());
    return {Answer::Kind::unavailable, std::string(unavailable_text), shown(name)};
  }
  if (!*is_right) return refused(failed_text, shown(name));
  return {Answer::Kind::accepted, {}, name};
}

class PlainExchange final : public LoginExchange {
 public:
  explicit PlainExchange(CyrusServer& server) : server_(server) {}
  // RFC 4616: whom he acts for, who he is, and the password.
  Result<Answer> go_on(std::string_view response) override {
    const std::string text = base::decode_base64(response).value_or("");
    const std::size_t first = text.find('\0'), second = first == std::string::npos ? first : text.find('\0', first + 1);
    if (second == std::string::npos || text.find('\0', second + 1) != std::string::npos) return refused(malformed_text);
    const std::string acts_for = text.substr(0, first), name = text.substr(first + 1, second - first - 1);
    Answer answer = server_.check(name, text.substr(second + 1));
    if (answer.kind == Answer::Kind::refused) maillog::warning("SASL authentication failure: Password verification failed");
    if (answer.kind != Answer::Kind::accepted || acts_for.empty() || acts_for == name) return answer;
    maillog::warning("SASL authentication failure: Requested identity not authenticated identity");
    return refused(failed_text, shown(acts_for));
  }

 private:
  CyrusServer& server_;
};

class LoginMechanismExchange final : public LoginExchange {
 public:
  explicit LoginMechanismExchange(CyrusServer& server) : server_(server) {}
  Result<Answer> go_on(std::string_view response) override {
    const std::string text = base::decode_base64(response).value_or("");
    if (name_) return server_.check(*name_, text);
    name_ = text;
    return Answer{Answer::Kind::challenge, base::encode_base64("Password:"), {}};
  }

 private:
  CyrusServer& server_;
  std::optional<std::string> name_;
};

Result<LoginServer::Started> CyrusServer::start(const auth::Attempt& attempt) {
  const bool is_plain = attempt.mechanism == "PLAIN";
  Started out{is_plain ? std::unique_ptr<LoginExchange>(std::make_unique<PlainExchange>(*this)) : std::make_unique<LoginMechanismExchange>(*this),
              {Answer::Kind::challenge, is_plain ? std::string() : base::encode_base64("Username:"), {}}};
  if (attempt.initial) out.answer = TRY(out.exchange->go_on(*attempt.initial));
  return out;
}

}  // namespace

Result<std::unique_ptr<LoginServer>> make_cyrus_server(const CyrusSettings& settings) {
  const CyrusFile file = TRY(read(settings));
  return std::make_unique<CyrusServer>(file, settings);
}

}  // namespace smtpd
