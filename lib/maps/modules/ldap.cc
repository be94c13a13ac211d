// ldap:FILE: an LDAP server. The values of an entry's result attributes, and of the entries that its special attributes
// lead to.

#include <algorithm>
#include <chrono>
#include <memory>

#include <fmt/core.h>
#include <ldap.h>

#include "lib/maps/module.h"
#include "lib/maps/modules/ldap_settings.h"

namespace maps::module {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds lookup_limit{60};  // for all the searches of one lookup
constexpr std::size_t base_template = 0;          // the order of the templates
constexpr std::size_t filter_template = 1;

struct Unbind {
  void operator()(LDAP* connection) const { ::ldap_unbind_ext_s(connection, nullptr, nullptr); }
};
using Connection = std::unique_ptr<LDAP, Unbind>;

struct FreeMessage {
  void operator()(LDAPMessage* message) const { ::ldap_msgfree(message); }
};
struct FreeMemory {
  void operator()(void* memory) const { ::ldap_memfree(memory); }
};
struct FreeUrl {
  void operator()(LDAPURLDesc* url) const { ::ldap_free_urldesc(url); }
};
struct FreeValues {
  void operator()(berval** values) const { ::ldap_value_free_len(values); }
};
struct FreeCursor {
  void operator()(BerElement* cursor) const { ::ber_free(cursor, 0); }
};

// The connection is of no further use after this.
bool is_lost(int code) {
  return code < 0 ? code != LDAP_FILTER_ERROR && code != LDAP_PARAM_ERROR && code != LDAP_DECODING_ERROR
                  : code == LDAP_UNAVAILABLE || code == LDAP_BUSY || code == LDAP_OPERATIONS_ERROR;
}

base::Failure failed(std::string_view what, int code) {
  return base::fail(fmt::format("{} {}: {}", what, code, ::ldap_err2string(code)), is_lost(code) ? connection_lost : 0);
}

class LdapSession final : public Session {
 public:
  LdapSession(Connection connection, const LdapSettings& settings) : connection_(std::move(connection)), settings_(settings) {}

  Result<std::string> quote(std::size_t of, std::string_view text) override {
    return of == base_template ? quoted_for_dn(text) : quoted_for_filter(text);
  }

  Result<void> ask(const std::vector<std::string>& questions, Values& values) override {
    deadline_ = Clock::now() + lookup_limit;
    const std::string& base = questions[base_template];
    auto found = search(base, settings_.scope, questions[filter_template], settings_.attributes.all());
    if (found) return add_entries(**found, values, 1);
    if (last_code_ == LDAP_NO_SUCH_OBJECT) {
      if (settings_.base_has_key) return {};
      return failed(fmt::format("Search base '{}' not found:", base), last_code_);
    }
    return base::Failure(std::move(found).error());
  }

 private:
  using Message = std::unique_ptr<LDAPMessage, FreeMessage>;

  // RFC 4514: every character that could mean something as its number.
  static std::string quoted_for_dn(std::string_view text) {
    std::string quoted;
    for (const char c : text) {
      const bool is_plain = ascii::is_alnum(c) || (static_cast<unsigned char>(c) & 0x80) != 0 || std::string_view("@.-_").contains(c);
      if (is_plain) {
        quoted += c;
      } else {
        quoted += fmt::format("\\{:02X}", static_cast<unsigned char>(c));
      }
    }
    return quoted;
  }
  static Result<std::string> quoted_for_filter(std::string_view text) {
    berval in{.bv_len = text.size(), .bv_val = const_cast<char*>(text.data())};
    berval out{};
    if (::ldap_bv2escaped_filter_value(&in, &out) != 0) return base::fail("the key cannot be quoted");
    const std::unique_ptr<char, FreeMemory> owner(out.bv_val);
    return std::string(out.bv_val, out.bv_len);
  }

  Result<Message> search(const std::string& base, int scope, const std::string& filter, const std::vector<std::string>& names) {
    timeval limit{.tv_sec = settings_.timeout.count(), .tv_usec = 0};
    std::vector<char*> attributes;
    for (const std::string& name : names) attributes.push_back(const_cast<char*>(name.c_str()));
    static constexpr const char* no_attribute = LDAP_NO_ATTRS;
    if (attributes.empty()) attributes.push_back(const_cast<char*>(no_attribute));
    attributes.push_back(nullptr);
    if (Clock::now() > deadline_) return base::fail("the lookup takes too long", connection_lost);
    int id = 0;
    last_code_ = ::ldap_search_ext(connection_.get(), base.c_str(), scope, filter.c_str(), attributes.data(), 0, nullptr, nullptr, &limit,
                                   settings_.size_limit, &id);
    if (last_code_ != LDAP_SUCCESS) return failed("Search error", last_code_);
    LDAPMessage* handle = nullptr;
    const int type = ::ldap_result(connection_.get(), id, LDAP_MSG_ALL, &limit, &handle);
    Message message(handle);
    if (type <= 0) {
      last_code_ = LDAP_TIMEOUT;
      if (type < 0) ::ldap_get_option(connection_.get(), LDAP_OPT_RESULT_CODE, &last_code_);
      ::ldap_abandon_ext(connection_.get(), id, nullptr, nullptr);
      return failed("Search error", last_code_);
    }
    const int parsed = ::ldap_parse_result(connection_.get(), handle, &last_code_, nullptr, nullptr, nullptr, nullptr, 0);
    if (parsed != LDAP_SUCCESS) last_code_ = parsed;
    if (last_code_ != LDAP_SUCCESS) return failed("Search error", last_code_);
    return message;
  }

  Result<void> add_entries(LDAPMessage& message, Values& values, int depth) {
    for (LDAPMessage* entry = ::ldap_first_entry(connection_.get(), &message); entry != nullptr; entry = ::ldap_next_entry(connection_.get(), entry)) {
      TRY(add_entry(entry, values, depth));
    }
    return {};
  }

  struct Attribute {
    std::string name;
    std::vector<std::string> values;
  };
  std::vector<Attribute> attributes_of(LDAPMessage* entry) {
    std::vector<Attribute> attributes;
    BerElement* handle = nullptr;
    char* name = ::ldap_first_attribute(connection_.get(), entry, &handle);
    const std::unique_ptr<BerElement, FreeCursor> cursor(handle);
    for (; name != nullptr; name = ::ldap_next_attribute(connection_.get(), entry, handle)) {
      const std::unique_ptr<char, FreeMemory> owner(name);
      const std::unique_ptr<berval*, FreeValues> list(::ldap_get_values_len(connection_.get(), entry, name));
      Attribute attribute{.name = name, .values = {}};
      for (berval** value = list.get(); value != nullptr && *value != nullptr; ++value) attribute.values.emplace_back((*value)->bv_val, (*value)->bv_len);
      attributes.push_back(std::move(attribute));
    }
    return attributes;
  }

  Result<void> add_entry(LDAPMessage* entry, Values& values, int depth) {
    const LdapAttributes& roles = settings_.attributes;
    const std::vector<Attribute> attributes = attributes_of(entry);
    const auto has = [&](const std::vector<std::string>& list) {
      return std::ranges::any_of(attributes, [&](const Attribute& attribute) { return LdapAttributes::is_in(list, attribute.name); });
    };
    const bool is_terminal = has(roles.terminals);
    const bool has_specials = !is_terminal && has(roles.specials);
    for (const Attribute& attribute : attributes) {
      const bool is_special = !is_terminal && LdapAttributes::is_in(roles.specials, attribute.name);
      const bool counts = is_terminal ? LdapAttributes::is_in(roles.terminals, attribute.name)
                                      : LdapAttributes::is_in(roles.results, attribute.name) ||
                                            (!has_specials && LdapAttributes::is_in(roles.leaves, attribute.name));
      for (const std::string& value : attribute.values) {
        if (is_special) {
          TRY(follow(attribute.name, value, values, depth));
        } else if (counts && !values.add(value)) {
          return {};
        }
      }
    }
    return {};
  }

  // `value` is the DN of an entry, or a URL.
  Result<void> follow(const std::string& name, const std::string& value, Values& values, int depth) {
    if (depth >= settings_.recursion_limit) {
      return base::fail(fmt::format("dict_ldap_get_values[{}]: {}: Recursion limit exceeded for special attribute {}={}", depth, settings_.source, name, value));
    }
    LDAPURLDesc* handle = nullptr;
    const bool is_url = ::ldap_is_ldap_url(value.c_str()) != 0;
    if (is_url && ::ldap_url_parse(value.c_str(), &handle) != LDAP_URL_SUCCESS) return base::fail(fmt::format("malformed URL {}", value));
    const std::unique_ptr<LDAPURLDesc, FreeUrl> url(handle);
    auto found = is_url ? search_url(*url) : search(value, LDAP_SCOPE_BASE, "(objectclass=*)", settings_.attributes.all());
    if (found) return add_entries(**found, values, depth + 1);
    // A member that has been removed is none.
    if (last_code_ == LDAP_NO_SUCH_OBJECT) return {};
    return base::Failure(std::move(found).error());
  }

  // The server of the URL is not looked at: it is ours.
  Result<Message> search_url(const LDAPURLDesc& url) {
    std::vector<std::string> names;
    for (char** name = url.lud_attrs; name != nullptr && *name != nullptr; ++name) names.emplace_back(*name);
    return search(url.lud_dn != nullptr ? url.lud_dn : "", url.lud_scope == LDAP_SCOPE_DEFAULT ? LDAP_SCOPE_BASE : url.lud_scope,
                  url.lud_filter != nullptr ? url.lud_filter : "(objectclass=*)", settings_.attributes.among(names));
  }

  Connection connection_;
  const LdapSettings& settings_;   // of the client, which outlives its sessions
  Clock::time_point deadline_;
  int last_code_ = LDAP_SUCCESS;
};

class LdapClient final : public Client {
 public:
  static Result<std::unique_ptr<Client>> make(const Settings& settings) {
    auto client = std::make_unique<LdapClient>();
    client->settings_ = TRY(LdapSettings::read(settings));
    client->servers = {{.name = client->settings_.uris}};  // the library tries them in order
    client->templates = {{.what = "query", .text = client->settings_.search_base}, {.what = "query", .text = client->settings_.query_filter}};
    client->default_result_format = client->settings_.result_format;
    client->warnings = client->settings_.warnings;
    return client;
  }

  Result<std::unique_ptr<Session>> connect(const Server& server) const override {
    LDAP* handle = nullptr;
    if (const int code = ::ldap_initialize(&handle, server.name.c_str()); code != LDAP_SUCCESS) {
      return base::fail(fmt::format("Unable to use server {}: {}", server.name, ::ldap_err2string(code)), connection_lost);
    }
    Connection connection(handle);
    TRY(set_options(handle));
    if (settings_.starts_tls) {
      if (const int code = ::ldap_start_tls_s(handle, nullptr, nullptr); code != LDAP_SUCCESS) {
        return base::fail(fmt::format("Unable to set STARTTLS: {}: {}", code, ::ldap_err2string(code)), connection_lost);
      }
    }
    if (settings_.bind != LdapBind::none) TRY(bind(handle, server));
    return std::make_unique<LdapSession>(std::move(connection), settings_);
  }

 private:
  Result<void> set_options(LDAP* connection) const {
    const auto set = [&](int option, const void* value, std::string_view what) -> Result<void> {
      if (::ldap_set_option(connection, option, value) == LDAP_OPT_SUCCESS) return {};
      return base::fail(fmt::format("Unable to set {}", what), connection_lost);
    };
    const timeval limit{.tv_sec = settings_.timeout.count(), .tv_usec = 0};
    TRY(set(LDAP_OPT_PROTOCOL_VERSION, &settings_.version, "the protocol version"));
    TRY(set(LDAP_OPT_NETWORK_TIMEOUT, &limit, "the time limit"));
    TRY(set(LDAP_OPT_TIMEOUT, &limit, "the time limit"));
    TRY(set(LDAP_OPT_DEREF, &settings_.dereference, "dereference"));
    TRY(set(LDAP_OPT_REFERRALS, settings_.chases_referrals ? LDAP_OPT_ON : LDAP_OPT_OFF, "chase_referrals"));
    if (settings_.debug_level > 0) TRY(set(LDAP_OPT_DEBUG_LEVEL, &settings_.debug_level, "debuglevel"));
    const auto set_file = [&](int option, const std::string& value, std::string_view what) -> Result<void> {
      return value.empty() ? Result<void>() : set(option, value.c_str(), what);
    };
    TRY(set_file(LDAP_OPT_X_TLS_CACERTDIR, settings_.ca_directory, "tls_ca_cert_dir"));
    TRY(set_file(LDAP_OPT_X_TLS_CACERTFILE, settings_.ca_file, "tls_ca_cert_file"));
    TRY(set_file(LDAP_OPT_X_TLS_CERTFILE, settings_.certificate, "tls_cert"));
    TRY(set_file(LDAP_OPT_X_TLS_KEYFILE, settings_.key, "tls_key"));
    TRY(set_file(LDAP_OPT_X_TLS_RANDOM_FILE, settings_.random_file, "tls_random_file"));
    TRY(set_file(LDAP_OPT_X_TLS_CIPHER_SUITE, settings_.cipher_suite, "tls_cipher_suite"));
    const int verifies = settings_.verifies ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;
    TRY(set(LDAP_OPT_X_TLS_REQUIRE_CERT, &verifies, "tls_require_cert"));
    if (!settings_.starts_tls && !settings_.uris.contains("ldaps://")) return {};
    const int for_server = 0;
    return set(LDAP_OPT_X_TLS_NEWCTX, &for_server, "up TLS");  // of what was set above
  }

  Result<void> bind(LDAP* connection, const Server& server) const {
    if (settings_.bind != LdapBind::sasl) return bind_result(bind_as(connection, settings_.bind_dn, LDAP_SASL_SIMPLE, settings_.bind_password), server);
    int code = LDAP_AUTH_METHOD_NOT_SUPPORTED;
    for (const std::string& mechanism : settings_.sasl_mechanisms) {
      code = bind_as(connection, "", mechanism.c_str(), sasl_credentials(mechanism));
      if (code != LDAP_AUTH_METHOD_NOT_SUPPORTED) break;
    }
    return bind_result(code, server);
  }

  // RFC 4422 appendix A (EXTERNAL), RFC 4616 (PLAIN): one message each.
  [[nodiscard]] std::string sasl_credentials(std::string_view mechanism) const {
    const std::string& authorization = settings_.sasl_authorization;
    if (mechanism == "EXTERNAL") return authorization;
    std::string message = authorization;
    message += '\0';
    message += settings_.bind_dn;
    message += '\0';
    return message += settings_.bind_password;
  }

  // The result's code.
  [[nodiscard]] int bind_as(LDAP* connection, const std::string& dn, const char* mechanism, std::string credentials) const {
    berval bytes{.bv_len = credentials.size(), .bv_val = credentials.data()};
    timeval limit{.tv_sec = settings_.timeout.count(), .tv_usec = 0};
    int id = 0;
    int code = ::ldap_sasl_bind(connection, dn.c_str(), mechanism, &bytes, nullptr, nullptr, &id);
    if (code != LDAP_SUCCESS) return code;
    LDAPMessage* handle = nullptr;
    const int type = ::ldap_result(connection, id, LDAP_MSG_ALL, &limit, &handle);
    const std::unique_ptr<LDAPMessage, FreeMessage> message(handle);
    code = LDAP_TIMEOUT;
    if (type < 0) ::ldap_get_option(connection, LDAP_OPT_RESULT_CODE, &code);
    if (type > 0 && ::ldap_parse_result(connection, handle, &code, nullptr, nullptr, nullptr, nullptr, 0) != LDAP_SUCCESS) code = LDAP_DECODING_ERROR;
    return code;
  }

  [[nodiscard]] Result<void> bind_result(int code, const Server& server) const {
    if (code == LDAP_SUCCESS) return {};
    return base::fail(fmt::format("dict_ldap_connect: Unable to bind to server {} with dn {}: {} ({})", server.name,
                                  settings_.bind_dn.empty() ? "empty or implicit" : settings_.bind_dn, code, ::ldap_err2string(code)),
                      connection_lost);
  }

  LdapSettings settings_;
};

constexpr Module ldap{.make_client = &LdapClient::make};

}  // namespace
}  // namespace maps::module

extern "C" const maps::module::Module* valija_table_module();
const maps::module::Module* valija_table_module() {
  // The library's first call sets it up, which two threads must not do at once.
  int version = 0;
  ::ldap_get_option(nullptr, LDAP_OPT_PROTOCOL_VERSION, &version);
  return &maps::module::ldap;
}
