#include "lib/tls/session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/tls/certificate.h"
#include "lib/tls/credentials.h"
#include "lib/tls/dane.h"
#include "lib/tls/narrator.h"
#include "lib/tls/openssl.h"
#include "lib/tls/protocols.h"
#include "lib/tls/raw_keys.h"
#include "lib/tls/resumption.h"
#include "lib/tls/signatures.h"
#include "lib/tls/ticket_sealing.h"

namespace tls {

struct Session::State {
  explicit State(SslPtr connection, std::string digest) : ssl(std::move(connection)), fingerprint_digest(std::move(digest)) {
    SSL_set_app_data(ssl.get(), this);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() = default;

  void narrate(Narration narration) {
    if (!narration.is_silent()) narrator = std::make_unique<Narrator>(ssl.get(), std::move(narration));
  }
  io::Layer::Step after(int result);

  std::unique_ptr<Narrator> narrator;   // null: nothing is told; outlives the connection, which calls it
  SslPtr ssl;
  std::string fingerprint_digest;
  const ServerSettings* server = nullptr;   // of a server's side; the context's
  bool has_own_chain = false;
  bool must_match = false;
  std::vector<std::string> fingerprints;
  std::vector<std::size_t> unusable;   // of the TLSA records
  enum class Dane { none, in_force, all_unusable } dane = Dane::none;
  // What the library found wrong: with the chain of authorities, with the name, and that no TLSA record matches.
  int chain_error = X509_V_OK, name_error = X509_V_OK, dane_error = X509_V_OK;
  int dane_error_depth = 0;
  std::string new_session;
  std::chrono::seconds farewell_time{};
  bool has_failed = false;   // then not even an end may be said
};

namespace {

constexpr std::size_t call_limit = std::numeric_limits<int>::max();

// A handshake that ends with the client's words, as it does where a session of TLS 1.3 is resumed, leaves nothing to send that would
// carry the kernel's acknowledgement. A client whose next words wait for it (RFC 896) would wait as long as the kernel puts it off.
void acknowledge_now(SSL* ssl) {
  if (SSL_is_server(ssl) == 0 || SSL_session_reused(ssl) == 0 || SSL_version(ssl) < TLS1_3_VERSION) return;
  constexpr int on = 1;
  ::setsockopt(SSL_get_fd(ssl), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);   // a matter of speed only
}

bool is_about_the_name(int error) { return error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH; }

std::string verification_text(int error) { return X509_verify_cert_error_string(error); }

std::string match_text(int error) { return fmt::format("num={}:{}", error, verification_text(error)); }

}  // namespace

// A certificate that was made for a server counts for a client, too, where the site says so (tls_trust_server_ccerts). The same goes for
// the authorities above it.
bool Session::is_good_for_server(const State& state, X509_STORE_CTX* chain) {
  if (state.server == nullptr || !state.server->trusts_server_certificates) return false;
  const bool is_authority = X509_STORE_CTX_get_error_depth(chain) > 0;
  return X509_check_purpose(X509_STORE_CTX_get_current_cert(chain), X509_PURPOSE_SSL_SERVER, is_authority ? 1 : 0) > 0;
}

// The library's verdict is noted, and the handshake goes on: what follows from it is decided by those who know why they talk.
int Session::note_verdict(int is_good, X509_STORE_CTX* chain) {
  if (is_good == 1) return 1;
  const auto* const ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const state = static_cast<State*>(SSL_get_app_data(ssl));
  const int error = X509_STORE_CTX_get_error(chain);
  if (error == X509_V_ERR_INVALID_PURPOSE && is_good_for_server(*state, chain)) {
    X509_STORE_CTX_set_error(chain, X509_V_OK);
    return 1;
  }
  const bool is_of_dane = error == X509_V_ERR_DANE_NO_MATCH;
  int& noted = is_about_the_name(error) ? state->name_error : is_of_dane ? state->dane_error : state->chain_error;
  if (noted != X509_V_OK) return 1;
  noted = error;
  if (is_of_dane) state->dane_error_depth = X509_STORE_CTX_get_error_depth(chain);
  return 1;
}

namespace {

Result<SslPtr> make_ssl(SSL_CTX* context, int fd) {
  ERR_clear_error();
  SslPtr ssl(SSL_new(context));
  if (!ssl) return base::fail("Could not allocate 'TLScontext->con' with SSL_new()");
  if (SSL_set_fd(ssl.get(), fd) != 1) return base::fail("SSL_set_fd error");
  return ssl;
}

Result<void> use_ciphers(SSL* ssl, const CommonSettings& common, std::string_view grade, std::string_view exclude) {
  const std::string ciphers = TRY(cipher_list(common.cipher_lists, grade, exclude));
  if (SSL_set_cipher_list(ssl, ciphers.c_str()) != 1) return base::fail(fmt::format("cannot use the cipher list \"{}\"", ciphers));
  return {};
}

// One of these names, or addresses, must be in the certificate.
Result<void> expect_names(SSL* ssl, const std::vector<std::string>& names) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  for (const std::string& name : names) {
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1) continue;
    if (X509_VERIFY_PARAM_add1_host(wanted, name.c_str(), name.size()) != 1) return base::fail(fmt::format("cannot expect the name \"{}\"", name));
  }
  ERR_clear_error();
  return {};
}

// Whether the TLSA records that count are all of the server's own key: then a certificate is of no use.
bool are_all_of_keys(const ServerDemands& demands, const std::vector<std::size_t>& unusable) {
  constexpr std::uint8_t usage_server = 3, only_key = 1;   // RFC 6698 section 2.1
  if (demands.has_own_anchors || unusable.size() == demands.dane.size()) return false;
  for (std::size_t i = 0; i < demands.dane.size(); ++i) {
    const DaneRecord& record = demands.dane[i];
    const bool is_of_key = record.usage == usage_server && record.selector == only_key;
    if (!is_of_key && std::ranges::find(unusable, i) == unusable.end()) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::accept(const ServerContext& context, int fd, Narration narration) {
  const ServerSettings& settings = context.settings();
  SslPtr ssl = TRY(make_ssl(context.get(), fd));
  // Where the context could not take them they are tried again, so that each session tells what is wrong.
  if (!context.has_ciphers()) TRY(use_ciphers(ssl.get(), settings.common, settings.cipher_grade, settings.exclude_ciphers));
  SSL_set_accept_state(ssl.get());
  prepare_tickets(ssl.get(), std::chrono::steady_clock::now());
  if (settings.asks_certificate) SSL_set_verify(ssl.get(), SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, note_verdict);
  TRY(offer_raw_keys_to_client(ssl.get(), settings.wants_raw_keys));
  auto state = std::make_unique<State>(std::move(ssl), settings.fingerprint_digest);
  state->server = &settings;
  state->farewell_time = settings.common.farewell_time;
  state->narrate(std::move(narration));
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

int Session::choose_chain(SSL* ssl, int* alert, void*) {
  auto* const state = static_cast<State*>(SSL_get_app_data(ssl));
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  *alert = SSL_AD_INTERNAL_ERROR;
  const auto found = state->server->find_chain(name);
  if (!found) {
    maillog::warning("{}", found.error().message());
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (!*found) return SSL_TLSEXT_ERR_NOACK;
  const std::string source = "SNI data for " + ascii::printable(name);
  if (const auto loaded = use_chain(ssl, **found, source); !loaded) {
    maillog::warning("{}", loaded.error().message());
    log_library_problems();
    maillog::warning("error loading private keys and certificates from: {}: aborting TLS handshake", source);
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  state->has_own_chain = true;
  return SSL_TLSEXT_ERR_OK;
}

Result<std::unique_ptr<Session>> Session::connect(const ClientContext& context, int fd, const ServerDemands& demands, Narration narration) {
  const ClientSettings& settings = context.settings();
  const auto protocols = Protocols::parse(demands.protocols);
  if (!protocols) return base::fail(protocols.error().message() + ": aborting TLS session");
  SslPtr ssl = TRY(make_ssl(context.get(), fd));
  TRY(use_ciphers(ssl.get(), settings.common, demands.cipher_grade, demands.exclude_ciphers));
  SSL_set_min_proto_version(ssl.get(), protocols->lowest);
  SSL_set_max_proto_version(ssl.get(), protocols->highest);
  SSL_set_options(ssl.get(), protocols->left_out);
  if (!demands.server_name.empty()) SSL_set_tlsext_host_name(ssl.get(), demands.server_name.c_str());
  std::vector<std::size_t> unusable;
  if (demands.has_own_anchors) unusable = TRY(use_anchors(ssl.get(), demands.dane));
  else if (!demands.dane.empty()) unusable = TRY(use_dane(ssl.get(), demands.dane_name, demands.dane));
  if (demands.must_match || !demands.dane.empty()) TRY(expect_names(ssl.get(), demands.names));
  TRY(offer_raw_keys_to_server(ssl.get(), demands.wants_raw_key || are_all_of_keys(demands, unusable)));
  if (const SessionPtr session = demands.session.empty() ? nullptr : session_of(demands.session)) SSL_set_session(ssl.get(), session.get());
  SSL_set_connect_state(ssl.get());
  SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, note_verdict);
  auto state = std::make_unique<State>(std::move(ssl), settings.fingerprint_digest);
  state->farewell_time = settings.common.farewell_time;
  state->narrate(std::move(narration));
  state->must_match = demands.must_match;
  state->fingerprints = demands.fingerprints;
  if (!demands.dane.empty()) state->dane = unusable.size() < demands.dane.size() ? State::Dane::in_force : State::Dane::all_unusable;
  state->unusable = std::move(unusable);
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

// Zero: OpenSSL keeps what it has.
int Session::note_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<State*>(SSL_get_app_data(ssl))->new_session = session_bytes(session);
  return 0;
}

std::string Session::take_session() { return std::exchange(state_->new_session, {}); }

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;

const std::vector<std::size_t>& Session::unusable_records() const { return state_->unusable; }

// What a call that did not succeed is waiting for, or how it ended.
io::Layer::Step Session::State::after(int result) {
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ: return {Progress::wants_input};
    case SSL_ERROR_WANT_WRITE: return {Progress::wants_output};
    case SSL_ERROR_ZERO_RETURN: return {Progress::eof};
    case SSL_ERROR_SYSCALL:
      has_failed = true;
      return {errno == 0 ? Progress::eof : Progress::failed};
    default: has_failed = true; return {Progress::failed};
  }
}

io::Layer::Step Session::start() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(state_->ssl.get());
  if (result != 1) return state_->after(result);
  if (state_->narrator) state_->narrator->end_of_handshake(state_->ssl.get());
  acknowledge_now(state_->ssl.get());
  return {Progress::moved};
}

io::Layer::Step Session::read(std::span<char> into) {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_read(state_->ssl.get(), into.data(), static_cast<int>(std::min(into.size(), call_limit)));
  if (result > 0) return {Progress::moved, static_cast<std::size_t>(result)};
  return state_->after(result);
}

io::Layer::Step Session::write(std::string_view bytes) {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_write(state_->ssl.get(), bytes.data(), static_cast<int>(std::min(bytes.size(), call_limit)));
  if (result > 0) return {Progress::moved, static_cast<std::size_t>(result)};
  return state_->after(result);
}

void Session::finish() {
  if (state_->has_failed || SSL_in_init(state_->ssl.get()) == 1) return;
  SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

std::chrono::seconds Session::farewell_time() const {
  const bool is_over = state_->has_failed || SSL_in_init(state_->ssl.get()) == 1 || (SSL_get_shutdown(state_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  return is_over ? std::chrono::seconds(0) : state_->farewell_time;
}

// By the record of the server's, or of an authority's whose certificate then has to be in order and to have the name.
void Session::judge_by_dane(Facts& facts) const {
  const State& state = *state_;
  facts.dane_match = dane_match(state.ssl.get());
  facts.trust = Trust::untrusted;
  if (state.dane_error == X509_V_OK && state.chain_error != X509_V_OK) {
    facts.verification_error = verification_text(state.chain_error);
  } else if (state.dane_error == X509_V_OK && state.name_error != X509_V_OK) {
    facts.trust = Trust::trusted;
    facts.match_error = match_text(state.name_error);
  } else if (state.dane_error == X509_V_OK && !facts.dane_match.empty()) {
    facts.trust = Trust::verified;
  } else {
    facts.match_error = match_text(X509_V_ERR_DANE_NO_MATCH);
    facts.is_authority_wrong = state.dane_error_depth > 0;
  }
}

// How far the certificate, of which `facts` has the fingerprints, is to be believed.
void Session::judge(Facts& facts) const {
  const State& state = *state_;
  if (state.dane == State::Dane::in_force) return judge_by_dane(facts);
  if (state.dane == State::Dane::all_unusable && state.must_match) {
    facts.trust = Trust::untrusted;
    facts.match_error = match_text(X509_V_ERR_UNSPECIFIED);
    return;
  }
  // A session that is resumed was judged when it began; the library kept the verdict.
  int chain_error = state.chain_error;
  if (facts.is_resumed && chain_error == X509_V_OK) chain_error = static_cast<int>(SSL_get_verify_result(state.ssl.get()));
  if (!state.fingerprints.empty()) {
    const auto is_it = [&](const std::string& wanted) {
      return ascii::equal_ignoring_case(wanted, facts.fingerprint) || ascii::equal_ignoring_case(wanted, facts.public_key_fingerprint);
    };
    facts.trust = std::ranges::any_of(state.fingerprints, is_it) ? Trust::verified : Trust::untrusted;
    if (facts.trust == Trust::untrusted) facts.match_error = match_text(X509_V_ERR_DANE_NO_MATCH);
    return;
  }
  if (chain_error != X509_V_OK) {
    facts.trust = Trust::untrusted;
    facts.verification_error = verification_text(chain_error);
  } else if (state.must_match && state.name_error != X509_V_OK) {
    // It has an authority's word; only of an address that was wanted nothing is said then, as Postfix has it.
    facts.trust = state.name_error == X509_V_ERR_IP_ADDRESS_MISMATCH ? Trust::untrusted : Trust::trusted;
    facts.match_error = match_text(state.name_error);
  } else {
    facts.trust = state.must_match ? Trust::verified : Trust::trusted;
  }
}

Facts Session::facts() const {
  SSL* const ssl = state_->ssl.get();
  Facts facts;
  facts.protocol = SSL_get_version(ssl);
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl);
  facts.cipher = SSL_CIPHER_get_name(cipher);
  facts.cipher_bits = SSL_CIPHER_get_bits(cipher, &facts.algorithm_bits);
  facts.is_resumed = SSL_session_reused(ssl) == 1;
  if (const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) facts.server_name = ascii::printable(name);
  facts.has_own_chain = state_->has_own_chain;
  facts.fingerprint_digest = state_->fingerprint_digest;
  add_signatures(ssl, facts);
  if (EVP_PKEY* const key = peer_raw_key(ssl)) {
    facts.has_raw_key = true;
    facts.public_key_fingerprint = key_fingerprint(key, state_->fingerprint_digest).value_or("");
    judge(facts);
    return facts;
  }
  X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return facts;
  facts.subject_cn = common_name(X509_get_subject_name(certificate));
  facts.issuer_cn = common_name(X509_get_issuer_name(certificate));
  // That the digest exists was seen when the context was made.
  facts.fingerprint = fingerprint(certificate, state_->fingerprint_digest).value_or("");
  facts.public_key_fingerprint = public_key_fingerprint(certificate, state_->fingerprint_digest).value_or("");
  judge(facts);
  return facts;
}

bool Session::has_channel_binding() const {
  SSL* const ssl = state_->ssl.get();
  return SSL_version(ssl) >= TLS1_3_VERSION || (SSL_version(ssl) == TLS1_2_VERSION && SSL_get_extms_support(ssl) == 1);
}

ChannelBinding Session::channel_binding() const {
  constexpr std::string_view label = "EXPORTER-Channel-Binding";   // RFC 9266 section 4
  constexpr std::size_t exporter_size = 32;
  SSL* const ssl = state_->ssl.get();
  ChannelBinding binding;
  if (!has_channel_binding()) return binding;
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  const auto text = [&](std::size_t size) { return std::string(reinterpret_cast<const char*>(bytes.data()), size); };
  if (SSL_version(ssl) >= TLS1_3_VERSION) {
    const unsigned char no_context = 0;
    if (SSL_export_keying_material(ssl, bytes.data(), exporter_size, label.data(), label.size(), &no_context, 0, 1) == 1) binding.exporter = text(exporter_size);
  } else {
    // The first Finished message of the handshake: the client's, or in a resumed session the server's.
    const bool is_ours = (SSL_is_server(ssl) == 1) == (SSL_session_reused(ssl) == 1);
    const std::size_t size = is_ours ? SSL_get_finished(ssl, bytes.data(), bytes.size()) : SSL_get_peer_finished(ssl, bytes.data(), bytes.size());
    binding.unique = text(std::min(size, bytes.size()));
  }
  ERR_clear_error();
  return binding;
}

}  // namespace tls
