#include "smtpd/policy/certificate_table.h"

#include "lib/testing/catch.h"

namespace {

using smtpd::policy::CertificateKey;
using smtpd::policy::parse_certificate_table;
using Order = std::vector<CertificateKey>;

constexpr auto certificate = CertificateKey::certificate_fingerprint;
constexpr auto key = CertificateKey::public_key_fingerprint;

TEST_CASE("a table has the order in which a certificate is looked up") {
  struct Row {
    std::string_view text;
    Order order;
  };
  const Row rows[] = {
      {"hash:/a", {certificate, key}},
      {"{hash:/a}", {certificate, key}},
      {"{ hash:/a, { search_order = pubkey_fingerprint, cert_fingerprint } }", {key, certificate}},
      {"{ hash:/a search_order=Pubkey_Fingerprint }", {key}},
      {"{ hash:/a, {search_order=} }", {}},
      {"{ hash:/a, {search_order=cert_fingerprint}, {SEARCH_ORDER = pubkey_fingerprint} }", {key}},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto parsed = parse_certificate_table(row.text);
    REQUIRE(parsed);
    CHECK(parsed->table == "hash:/a");
    CHECK(parsed->order == row.order);
  }
}

TEST_CASE("what is no certificate table is an error") {
  for (const char* const text : {"{}", "{ }", "{ search_order=cert_fingerprint }", "{ hash:/a, foo }", "{ hash:/a, { foo = bar } }",
                                 "{ hash:/a, { search_order = foo } }", "{ hash:/a, search_order = cert_fingerprint }"}) {
    INFO(text);
    CHECK_FALSE(parse_certificate_table(text));
  }
  // What has no braces is for the tables to judge.
  CHECK(parse_certificate_table("{hash:/a")->table == "{hash:/a");
}

}  // namespace
