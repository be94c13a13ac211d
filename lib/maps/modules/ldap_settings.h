#pragma once
// What the settings of an LDAP table say.

#include <chrono>
#include <string>
#include <vector>

#include "lib/base/ascii.h"
#include "lib/maps/module.h"

namespace maps::module {

// The attributes of an entry that count, by what they are for. A name may have options ("mail;lang-de").
struct LdapAttributes {
  std::vector<std::string> results;    // values
  std::vector<std::string> specials;   // DNs and URLs of more entries
  std::vector<std::string> terminals;  // values; an entry with one has no others
  std::vector<std::string> leaves;     // values, unless the entry has specials

  // All of them, each once.
  [[nodiscard]] std::vector<std::string> all() const;
  // Of a URL that asks for `names`, those that are among ours; a URL without names asks for all.
  [[nodiscard]] std::vector<std::string> among(const std::vector<std::string>& names) const;
  // Whether `name`, of an entry, is one of `list`.
  [[nodiscard]] static bool is_in(const std::vector<std::string>& list, std::string_view name);
};

enum class LdapBind { none, simple, sasl };

struct LdapSettings {
  std::string uris;             // separated by blanks
  std::string source;           // for messages
  std::chrono::seconds timeout{10};
  bool base_has_key = false;    // a base that is not there means that the key is not
  int scope = 0;
  LdapAttributes attributes;
  LdapBind bind = LdapBind::simple;
  std::string bind_dn, bind_password;
  // With sasl: the mechanisms in the order in which they are tried, and whom to act for, where that is somebody else.
  std::vector<std::string> sasl_mechanisms;
  std::string sasl_authorization;
  int recursion_limit = 0;
  int size_limit = 0;
  int dereference = 0;
  bool chases_referrals = false;
  int version = 0;
  int debug_level = 0;
  bool starts_tls = false;
  bool verifies = false;
  std::string ca_directory, ca_file, certificate, key, random_file, cipher_suite;
  std::string search_base, query_filter, result_format;
  std::vector<std::string> warnings;

  static Result<LdapSettings> read(const Settings& settings);

 private:
  [[nodiscard]] Result<void> read_server(const Settings& settings);
  [[nodiscard]] Result<void> read_search(const Settings& settings);
  [[nodiscard]] Result<void> read_bind(const Settings& settings);
  [[nodiscard]] Result<void> read_sasl(const Settings& settings);
  [[nodiscard]] Result<void> read_tls(const Settings& settings);
};

}  // namespace maps::module
