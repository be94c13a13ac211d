#include "commands/postfix/tls.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "commands/postfix/tls_openssl.h"
#include "commands/postfix/tls_settings.h"
#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

namespace postfix {
namespace {

constexpr std::size_t key_file_limit = 64 * 1024;
constexpr std::size_t host_name_limit = 255;

struct Task {
  const Context& context;
  const config::Main& main;
  const OpenSsl& openssl;
};

// What follows the subcommand's name: options, each with a value, and words.
struct Arguments {
  std::string random_source, algorithm, bits, key_file, host;
  std::vector<std::string> words;
};

void say(const std::string& text) { maillog::info("{}", text); }

template <class... Lines>
void say_all(const Lines&... lines) {
  (say(lines), ...);
}

// ---- keys and certificates

struct Kind {
  std::string_view algorithm;
  KeyKind kind;
  std::string_view prefix;                            // of file names
  std::string_view certificate_parameter, key_parameter;
};
constexpr std::array kinds{Kind{"rsa", KeyKind::rsa, "", "smtpd_tls_cert_file", "smtpd_tls_key_file"},
                           Kind{"ecdsa", KeyKind::ecdsa, "ec", "smtpd_tls_eccert_file", "smtpd_tls_eckey_file"}};

const Kind* find_kind(std::string_view algorithm) {
  const auto* const found = std::ranges::find(kinds, algorithm, &Kind::algorithm);
  return found == kinds.end() ? nullptr : found;
}

const Kind& kind_of(KeyKind kind) { return *std::ranges::find(kinds, kind, &Kind::kind); }

std::string in_directory(const Task& task, const std::string& path) {
  return path.starts_with('/') ? path : task.context.config_directory + "/" + path;
}

// The key that main.cf has for this algorithm; empty: none.
Result<std::string> deployed_key(const Task& task, const Kind& kind) {
  const std::string path = TRY(task.main.string(kind.key_parameter));
  return path == "none" ? std::string() : path;
}

// What stands in a certificate, and in the configuration that openssl(1) reads.
Result<std::vector<std::string>> host_names(const Task& task, std::vector<std::string> words) {
  if (words.empty()) words.push_back(TRY(task.main.string("myhostname")));
  const auto is_good = [](char c) { return ascii::is_alnum(c) || c == '.' || c == '-' || c == '_' || c == '*'; };
  for (const std::string& word : words) {
    if (word.empty() || word.size() > host_name_limit || !std::ranges::all_of(word, is_good)) return base::fail("bad host name: " + word);
  }
  return words;
}

// A file that was not there, on disk when this returns.
Result<void> write_new(const std::string& path, std::string_view text, mode_t mode) {
  Fd file = TRY(io::open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  TRY(io::write_all(file, path, text));
  if (::fsync(file.get()) != 0) return base::fail_system("fsync " + path);
  return file.close();
}

// "20260514-123045", UTC.
std::string time_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 16> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%d-%H%M%S", &utc)};
}

struct Made {
  std::string key_file, certificate_file;
  bool is_new_key = true;
};

// A key, a copy of the one that is deployed where `keeps_key`, and a certificate for it.
Result<Made> make_files(const Task& task, const Arguments& arguments, bool keeps_key) {
  const std::string algorithm = arguments.algorithm.empty() ? "rsa" : arguments.algorithm;
  const Kind* const kind = find_kind(algorithm);
  if (kind == nullptr) return base::fail(fmt::format("Unsupported {} key algorithm: {}", keeps_key ? "private" : "public", algorithm));
  const std::vector<std::string> hosts = TRY(host_names(task, arguments.words));
  const std::string stamp = time_stamp();
  const auto path = [&](std::string_view what) {
    return fmt::format("{}/{}{}-{}.pem", task.context.config_directory, kind->prefix, what, stamp);
  };
  std::string old = keeps_key ? TRY(deployed_key(task, *kind)) : std::string();
  if (!old.empty() && ::access(old.c_str(), R_OK) != 0) {
    maillog::warning("Key file: {} not found, creating new keys", old);
    old.clear();
  }
  std::string key;
  if (!old.empty()) {
    key = TRY(io::read_file(old, key_file_limit));
  } else {
    auto made = task.openssl.new_key(kind->kind, arguments.bits);
    if (!made) {
      for (const std::string_view line : ascii::split(made.error().message(), "\n")) maillog::warning("{}", line);
      const std::string bits = arguments.bits.empty() ? "" : arguments.bits + " ";
      return base::fail(fmt::format("error generating new {} {}private key", algorithm, bits));
    }
    key = std::move(*made);
  }
  const Made made{.key_file = path("key"), .certificate_file = path("cert"), .is_new_key = old.empty()};
  TRY(write_new(made.key_file, key, 0600));
  const std::string certificate = TRY(task.openssl.certificate(made.key_file, hosts));
  TRY(write_new(made.certificate_file, certificate, 0644));
  return made;
}

Result<std::vector<std::string>> settings_for(const Task& task, const Made& files) {
  const auto kind = task.openssl.kind_of(files.key_file);
  const auto key = task.openssl.public_key(files.key_file);
  if (!kind || !key) return base::fail("no private key found in file: " + files.key_file);
  const auto certified = task.openssl.public_key_of_certificate(files.certificate_file);
  if (!certified) return base::fail("error computing certificate public key digest");
  if (*certified != *key) return base::fail(fmt::format("Certificate in {} does not match key in {}", files.certificate_file, files.key_file));
  const Kind& names = kind_of(*kind);
  return std::vector{fmt::format("{}={}", names.certificate_parameter, files.certificate_file),
                     fmt::format("{}={}", names.key_parameter, files.key_file)};
}

void say_deployed() {
  say_all("New TLS private key and certificate deployed.", "Run the command:", "  # postfix reload",
          "if you want the new settings to take effect immediately.");
}

void say_request(const Made& made, std::string_view then) {
  say_all("To generate a CSR run:", fmt::format("  # postfix tls output-server-csr -k {} [<hostname> ...]", made.key_file),
          fmt::format("Save the signed certificate chain in {}{}.", made.certificate_file, then));
}

Result<void> make_key(const Task& task, const Arguments& arguments, bool keeps_key) {
  const Made made = TRY(make_files(task, arguments, keeps_key));
  say_all("New private key and self-signed certificate created. To deploy run:",
          fmt::format("  # postfix tls deploy-server-cert {} {}", made.certificate_file, made.key_file));
  say_request(made, ", and deploy as above");
  say_all("To generate TLSA records run:", fmt::format("  # postfix tls output-server-tlsa [-h <hostname>] {}", made.key_file));
  if (made.is_new_key) say("(deploy after updating the DNS and waiting for stale RRs to expire).");
  return {};
}

// ---- the subcommands

Result<bool> all_default_client(const Task& task, const Arguments&) { return is_default(task.main, TlsRole::client); }
Result<bool> all_default_server(const Task& task, const Arguments&) { return is_default(task.main, TlsRole::server); }

Result<std::vector<std::string>> with_random_source(const Task& task, const Arguments& arguments, std::vector<std::string> settings) {
  const std::string now = TRY(task.main.string("tls_random_source"));
  settings.push_back("tls_random_source=" + (arguments.random_source.empty() ? now : arguments.random_source));
  return settings;
}

Result<bool> enable_client(const Task& task, const Arguments& arguments) {
  const std::string type = TRY(task.main.string("default_cache_db_type")), directory = TRY(task.main.string("data_directory"));
  if (!TRY(is_default(task.main, TlsRole::client))) {
    say_all("*** Non-default SMTP client TLS settings detected, no changes made.", "For opportunistic TLS in the Postfix SMTP client, the below settings",
            "are typical:", "  smtp_tls_security_level = may", "  smtp_tls_loglevel = 1", "  smtp_tls_session_cache_database = " + type + ":${data_directory}/smtp_scache");
    return true;
  }
  const auto settings = TRY(with_random_source(task, arguments, {"smtp_tls_security_level=may", "smtp_tls_loglevel=1",
                                                                 "smtp_tls_session_cache_database=" + type + ":" + directory + "/smtp_scache"}));
  TRY(change_settings(task.context, settings));
  say_all("Enabled opportunistic TLS in the Postfix SMTP client.", "Run the command:", "  # postfix reload",
          "if you want the new settings to take effect immediately.");
  return true;
}

Result<bool> enable_server(const Task& task, const Arguments& arguments) {
  if (!TRY(is_default(task.main, TlsRole::server))) {
    say_all("*** Non-default SMTP server TLS settings detected, no changes made.", "For opportunistic TLS in the Postfix SMTP server, the below settings",
            "are typical:", "  smtpd_tls_security_level = may", "  smtpd_tls_loglevel = 1",
            "You can use \"postfix tls new-server-cert\" to create a new certificate.",
            "Or, \"postfix tls new-server-key\" to also force a new private key.", "If you publish DANE TLSA records, see:",
            "  https://tools.ietf.org/html/rfc7671#section-8", "  https://tools.ietf.org/html/rfc7671#section-5.1",
            "  https://tools.ietf.org/html/rfc7671#section-5.2",
            "  https://community.letsencrypt.org/t/please-avoid-3-0-1-and-3-0-2-dane-tlsa-records-with-le-certificates/7022");
    return true;
  }
  const Made made = TRY(make_files(task, arguments, false));
  std::vector<std::string> settings = TRY(settings_for(task, made));
  for (const char* const more : {"smtpd_tls_security_level=may", "smtpd_tls_loglevel=1", "smtpd_tls_received_header=yes"}) settings.emplace_back(more);
  settings = TRY(with_random_source(task, arguments, std::move(settings)));
  TRY(change_settings(task.context, settings));
  say("Enabled opportunistic TLS in the Postfix SMTP server");
  say_deployed();
  say_request(made, "");
  say_all("To generate TLSA records run:", "  # postfix tls output-server-tlsa [-h <hostname>] ",
          "(If you have DANE TLSA RRs, update them as soon as possible to match", "the newly deployed keys).");
  return true;
}

Result<bool> new_server_key(const Task& task, const Arguments& arguments) {
  TRY(make_key(task, arguments, false));
  return true;
}

Result<bool> new_server_certificate(const Task& task, const Arguments& arguments) {
  TRY(make_key(task, arguments, true));
  return true;
}

Result<bool> deploy(const Task& task, const Arguments& arguments) {
  const Made files{.key_file = in_directory(task, arguments.words[1]), .certificate_file = in_directory(task, arguments.words[0])};
  const std::vector<std::string> settings = TRY(settings_for(task, files));
  TRY(change_settings(task.context, settings));
  say_deployed();
  return true;
}

// The name of an algorithm stands for the file that main.cf has for it; empty: for none.
Result<std::string> named_key(const Task& task, const std::string& word) {
  const Kind* const kind = find_kind(word);
  return kind != nullptr ? deployed_key(task, *kind) : in_directory(task, word);
}

Result<bool> output_request(const Task& task, const Arguments& arguments) {
  const std::string file = TRY(named_key(task, arguments.key_file.empty() ? "rsa" : arguments.key_file));
  if (file.empty() || !task.openssl.public_key(file)) return base::fail("No usable keyfile specified or configured");
  const std::vector<std::string> hosts = TRY(host_names(task, arguments.words));
  fmt::print("{}", TRY(task.openssl.request(file, hosts)));
  return true;
}

Result<bool> output_tlsa(const Task& task, const Arguments& arguments) {
  const std::vector<std::string> hosts = TRY(host_names(task, arguments.host.empty() ? std::vector<std::string>() : std::vector{arguments.host}));
  std::vector<std::string> words = arguments.words;
  if (words.empty()) words = {"rsa", "ecdsa"};
  for (const std::string& word : words) {
    const std::string file = TRY(named_key(task, word));
    if (file.empty()) continue;
    fmt::print("; {}\n", file);
    const std::string digest = TRY(task.openssl.digest(file));
    fmt::print("_25._tcp.{}. IN TLSA 3 1 1 {}\n", hosts.front(), digest);
  }
  return true;
}

struct Subcommand {
  std::string_view name;
  std::string_view options;   // letters
  std::string_view usage;     // behind the name
  std::size_t words_min, words_max;
  Result<bool> (*run)(const Task& task, const Arguments& arguments);   // false: exit status 1
};
constexpr std::size_t any_number = 1000;
constexpr std::array subcommands{
    Subcommand{"enable-client", "r", " [-r devrandom]", 0, 0, &enable_client},
    Subcommand{"enable-server", "rab", " [-r devrandom] [-a algorithm] [-b bits ] [hostname ...]", 0, any_number, &enable_server},
    Subcommand{"new-server-key", "ab", " [-a algorithm] [-b bits ] [hostname ...]", 0, any_number, &new_server_key},
    Subcommand{"new-server-cert", "ab", " [-a algorithm] [-b bits ] [hostname ...]", 0, any_number, &new_server_certificate},
    Subcommand{"deploy-server-cert", "", " certfile keyfile", 2, 2, &deploy},
    Subcommand{"output-server-csr", "k", " [-k keyfile] [hostname ...]", 0, any_number, &output_request},
    Subcommand{"output-server-tlsa", "h", " [-h hostname] [keyfile ...]", 0, any_number, &output_tlsa},
    Subcommand{"all-default-client", "", "", 0, 0, &all_default_client},
    Subcommand{"all-default-server", "", "", 0, 0, &all_default_server},
};

std::string& value_of(Arguments& arguments, char letter) {
  switch (letter) {
    case 'r': return arguments.random_source;
    case 'a': return arguments.algorithm;
    case 'b': return arguments.bits;
    case 'k': return arguments.key_file;
    default: return arguments.host;
  }
}

// None: not as the subcommand wants them.
std::optional<Arguments> read_arguments(const Subcommand& subcommand, std::vector<std::string>::const_iterator at,
                                        std::vector<std::string>::const_iterator end) {
  Arguments read;
  for (; at != end && at->size() >= 2 && at->front() == '-'; ++at) {
    const char letter = (*at)[1];
    if (!subcommand.options.contains(letter)) return std::nullopt;
    if (at->size() > 2) {
      value_of(read, letter) = at->substr(2);
    } else {
      if (++at == end) return std::nullopt;
      value_of(read, letter) = *at;
    }
  }
  read.words.assign(at, end);
  const bool is_right = read.words.size() >= subcommand.words_min && read.words.size() <= subcommand.words_max;
  return is_right ? std::optional(std::move(read)) : std::nullopt;
}

int refuse(const std::string& text) {
  maillog::write(maillog::Level::fatal, text);
  return 1;
}

}  // namespace

int manage_tls(const Context& context) {
  const auto main = config::Main::read(context.config_directory);
  if (!main) return refuse(main.error().message());
  const auto openssl = OpenSsl::find(context);
  if (!openssl) return refuse(openssl.error().message());
  const std::string name = context.arguments.empty() ? "" : context.arguments.front();
  const auto* const found = std::ranges::find(subcommands, name, &Subcommand::name);
  if (found == subcommands.end()) {
    maillog::write(maillog::Level::error, fmt::format("unknown tls command: '{}'", name));
    std::string others;
    for (const Subcommand& each : subcommands) {
      if (&each != subcommands.begin()) others += fmt::format("{}{}", others.empty() ? "" : ", ", each.name);
    }
    return refuse(fmt::format("usage: postfix tls {} (or {})", subcommands.front().name, others));
  }
  const auto arguments = read_arguments(*found, context.arguments.begin() + 1, context.arguments.end());
  if (!arguments) return refuse(fmt::format("usage: postfix tls {}{}", found->name, found->usage));
  const auto done = found->run({.context = context, .main = *main, .openssl = *openssl}, *arguments);
  std::fflush(stdout);
  if (!done) return refuse(done.error().message());
  return *done ? 0 : 1;
}

}  // namespace postfix
