#include "lib/tls/context.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/tls/configuration.h"
#include "lib/tls/credentials.h"
#include "lib/tls/dane.h"
#include "lib/tls/openssl.h"
#include "lib/tls/protocols.h"
#include "lib/tls/resumption.h"
#include "lib/tls/session.h"
#include "lib/tls/ticket_sealing.h"

namespace tls {
namespace {

struct Option {
  std::string_view name;
  std::uint64_t bit;
};

// tls_ssl_options.
constexpr std::array wanted_options{
    Option{"ENABLE_KTLS", SSL_OP_ENABLE_KTLS},
    Option{"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    Option{"NO_COMPRESSION", SSL_OP_NO_COMPRESSION},
    Option{"NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION},
    Option{"NO_SESSION_RESUMPTION_ON_RENEGOTIATION", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
    Option{"NO_TICKET", SSL_OP_NO_TICKET},
    Option{"PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA},
};

// tls_disable_workarounds.
constexpr std::array workarounds{
    Option{"CRYPTOPRO_TLSEXT_BUG", SSL_OP_CRYPTOPRO_TLSEXT_BUG},
    Option{"DONT_INSERT_EMPTY_FRAGMENTS", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS},
    Option{"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    Option{"SAFARI_ECDHE_ECDSA_BUG", SSL_OP_SAFARI_ECDHE_ECDSA_BUG},
    Option{"TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING},
};

// Names, or numbers in hexadecimal. What is neither is named in the log and counts for nothing.
std::uint64_t option_bits(std::string_view parameter, std::string_view value, std::span<const Option> options) {
  std::uint64_t bits = 0;
  for (const std::string_view item : ascii::split(value, ", \t\r\n")) {
    bool is_known = false;
    for (const Option& option : options) {
      if (!ascii::equal_ignoring_case(option.name, item)) continue;
      bits |= option.bit;
      is_known = true;
    }
    const std::string_view digits = item.substr(item.starts_with("0x") || item.starts_with("0X") ? 2 : 0);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (!is_known && digits.size() < item.size() && error == std::errc() && end == digits.data() + digits.size()) {
      bits |= number;
      is_known = true;
    }
    if (!is_known) maillog::warning("unknown {} value \"{}\" in \"{}\"", parameter, item, value);
  }
  return bits;
}

// A list of groups of which this library may not know some.
void use_groups(SSL_CTX* context, std::string_view names) {
  std::string known;
  for (const std::string_view name : ascii::split(names, ", \t\r\n:")) {
    const std::string one = (known.empty() ? "" : known + ":") + std::string(name);
    if (SSL_CTX_set1_groups_list(context, one.c_str()) == 1) known = one;
  }
  if (!known.empty()) static_cast<void>(SSL_CTX_set1_groups_list(context, known.c_str()));
  ERR_clear_error();
}

// Parameters of the site's own for Diffie and Hellman, in place of the library's.
void use_dh_file(SSL_CTX* context, const std::string& path) {
  SSL_CTX_set_dh_auto(context, 1);
  if (path.empty() || path == "auto" || path == "none") return;
  const BioPtr file(BIO_new_file(path.c_str(), "r"));
  if (!file) {
    maillog::warning("error opening DH parameter file \"{}\": {} -- using compiled-in defaults", path, std::strerror(errno));
  } else if (EVP_PKEY* const parameters = PEM_read_bio_Parameters(file.get(), nullptr)) {
    if (SSL_CTX_set0_tmp_dh_pkey(context, parameters) != 1) EVP_PKEY_free(parameters);
  } else {
    maillog::warning("error reading DH parameters from file \"{}\" -- using compiled-in defaults", path);
  }
  ERR_clear_error();
}

template <class Settings>
Result<void> use_authorities(SSL_CTX* context, const Settings& settings) {
  if (settings.common.appends_default_ca) static_cast<void>(SSL_CTX_set_default_verify_paths(context));
  const char* const file = settings.ca_file.empty() ? nullptr : settings.ca_file.c_str();
  const char* const path = settings.ca_path.empty() ? nullptr : settings.ca_path.c_str();
  if (file == nullptr && path == nullptr) return {};
  if (SSL_CTX_load_verify_locations(context, file, path) == 1) return {};
  std::string where;
  if (file != nullptr) where += fmt::format(", CAfile=\"{}\"", settings.ca_file);
  if (path != nullptr) where += fmt::format(", CApath=\"{}\"", settings.ca_path);
  return base::fail("cannot load Certification Authority data" + where);
}

void ask_for_certificate(SSL_CTX* context, const ServerSettings& settings) {
  SSL_CTX_set_verify_depth(context, settings.verify_depth + 1);   // the library does not count the authority itself
  if (!settings.ca_file.empty()) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(settings.ca_file.c_str()));
}

// A client that names a protocol of its own (ALPN) must name ours: what was meant for a web server is not taken here.
constexpr std::array<std::string_view, 3> alpn_names{"smtp", "imap", "pop3"};

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned length, void* name_spoken) {
  const std::string_view ours = *static_cast<const std::string_view*>(name_spoken);
  for (unsigned at = 0; at < length; at += 1U + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), std::min<unsigned>(offered[at], length - at - 1));
    if (name != ours) continue;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool take_ciphers(SSL_CTX* context, const ServerSettings& settings) {
  const auto list = cipher_list(settings.common.cipher_lists, settings.cipher_grade, settings.exclude_ciphers);
  const bool is_good = list && SSL_CTX_set_cipher_list(context, list->c_str()) == 1;
  if (!is_good) ERR_clear_error();
  return is_good;
}

// What servers and clients have in common.
Result<ContextPtr> make_context(const SSL_METHOD* method, const CommonSettings& common, std::string_view digest) {
  if (EVP_get_digestbyname(std::string(digest).c_str()) == nullptr) return base::fail(fmt::format("Digest algorithm \"{}\" not found", digest));
  ContextPtr context(SSL_CTX_new(method));
  if (!context) return base::fail("cannot allocate SSL_CTX");
  SSL_CTX* const raw = context.get();
  // Mail that goes under an old cipher is better than mail in plaintext; what is too weak the lists leave out.
  SSL_CTX_set_security_level(raw, 0);
  const std::uint64_t all = SSL_OP_ALL & ~option_bits("tls_disable_workarounds", common.disabled_workarounds, workarounds);
  SSL_CTX_set_options(raw, all | option_bits("tls_ssl_options", common.ssl_options, wanted_options) | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // Else each record is read in two pieces, its head first.
  SSL_CTX_set_read_ahead(raw, 1);
  use_groups(raw, common.auto_curves + " " + common.ffdhe_groups);
  return context;
}

Result<ContextPtr> make_context(const ServerSettings& settings, TicketSealing& sealing) {
  ContextPtr context = TRY(make_context(TLS_server_method(), settings.common, settings.fingerprint_digest));
  SSL_CTX* const raw = context.get();
  const Protocols protocols = TRY(Protocols::parse(settings.protocols));
  SSL_CTX_set_min_proto_version(raw, protocols.lowest);
  SSL_CTX_set_max_proto_version(raw, protocols.highest);
  SSL_CTX_set_options(raw, protocols.left_out | (settings.prefers_own_ciphers ? SSL_OP_CIPHER_SERVER_PREFERENCE : 0));
  TRY(use_authorities(raw, settings));
  // "none": without a certificate, for those few who do with that.
  if (settings.credentials.rsa.certificate_file != "none") TRY(load_credentials(raw, settings.credentials));
  use_dh_file(raw, settings.dh_file);
  if (settings.asks_certificate) ask_for_certificate(raw, settings);
  const auto spoken = std::ranges::find(alpn_names, settings.alpn_name);
  if (spoken == alpn_names.end()) return base::fail("no protocol of ours: " + settings.alpn_name);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, const_cast<std::string_view*>(&*spoken));
  TRY(use_tickets(raw, sealing, ticket_scope(settings)));
  return context;
}

Result<ContextPtr> make_context(const ClientSettings& settings) {
  ContextPtr context = TRY(make_context(TLS_client_method(), settings.common, settings.fingerprint_digest));
  SSL_CTX* const raw = context.get();
  TRY(use_authorities(raw, settings));
  TRY(load_credentials(raw, settings.credentials));
  SSL_CTX_set_verify_depth(raw, settings.verify_depth + 1);
  TRY(use_dane_digests(raw, settings.dane_digests));
  SSL_CTX_set_session_cache_mode(raw, settings.keeps_sessions ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
  if (settings.keeps_sessions) SSL_CTX_sess_set_new_cb(raw, Session::note_session);
  return context;
}

// The library as the site has configured it.
Result<void> begin(const CommonSettings& common) {
  ERR_clear_error();
  if (const auto loaded = load_configuration(common); !loaded) return base::fail(loaded.error().message() + ", disabling TLS support");
  return {};
}

}  // namespace

struct ServerContext::State {
  TicketSealing sealing;   // outlives the context
  ContextPtr context;
  bool has_ciphers = false;
};

Result<std::unique_ptr<ServerContext>> ServerContext::make(const ServerSettings& settings) {
  if (settings.credentials.empty()) return base::fail("No server certs available. TLS won't be enabled");
  TRY(begin(settings.common));
  auto state = std::make_unique<State>(TicketSealing{.keys = TicketKeys(settings.session_lifetime), .cipher = ticket_cipher(settings.ticket_cipher)}, nullptr, false);
  if (state->sealing.cipher == nullptr && !settings.ticket_cipher.empty()) {
    maillog::warning("tls_session_ticket_cipher: invalid value: {}; session tickets disabled", settings.ticket_cipher);
  }
  auto context = make_context(settings, state->sealing);
  if (!context) return base::fail(context.error().message() + ": disabling TLS support");
  state->context = std::move(*context);
  state->has_ciphers = take_ciphers(state->context.get(), settings);
  if (settings.find_chain) SSL_CTX_set_tlsext_servername_callback(state->context.get(), Session::choose_chain);
  return std::unique_ptr<ServerContext>(new ServerContext(settings, std::move(state)));
}

ServerContext::ServerContext(ServerSettings settings, std::unique_ptr<State> state)
    : settings_(std::move(settings)), state_(std::move(state)) {}
ServerContext::~ServerContext() = default;

ssl_ctx_st* ServerContext::get() const { return state_->context.get(); }
TicketKeys* ServerContext::tickets() const { return state_->sealing.cipher == nullptr ? nullptr : &state_->sealing.keys; }
bool ServerContext::has_ciphers() const { return state_->has_ciphers; }

struct ClientContext::State {
  ContextPtr context;
  std::string settings_text;
};

Result<std::unique_ptr<ClientContext>> ClientContext::make(const ClientSettings& settings) {
  TRY(begin(settings.common));
  auto context = make_context(settings);
  if (!context) return base::fail(context.error().message() + ": disabling TLS support");
  auto state = std::make_unique<State>(std::move(*context), settings_text(settings));
  return std::unique_ptr<ClientContext>(new ClientContext(settings, std::move(state)));
}

ClientContext::ClientContext(ClientSettings settings, std::unique_ptr<State> state)
    : settings_(std::move(settings)), state_(std::move(state)) {}
ClientContext::~ClientContext() = default;

ssl_ctx_st* ClientContext::get() const { return state_->context.get(); }
std::string ClientContext::session_digest(const ServerDemands& demands) const { return tls::session_digest(state_->settings_text, demands); }

void log_library_problems() {
  for (const std::string& problem : take_library_problems()) maillog::warning("TLS library problem: {}", problem);
}

}  // namespace tls
