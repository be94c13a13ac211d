#include "lib/config/not_yet.h"

#include "lib/testing/catch.h"

namespace {

std::vector<std::string> told(std::string_view main_cf, std::string_view master_cf = "") {
  const auto main = config::Main::parse(main_cf, "/etc/postfix");
  REQUIRE(main.has_value());
  const auto services = config::parse_master_cf(master_cf, "/etc/postfix/master.cf", {});
  REQUIRE(services.has_value());
  std::vector<std::string> texts;
  for (const config::NotYet& one : config::not_yet(*main, *services)) texts.push_back(one.text());
  return texts;
}

}  // namespace

TEST_CASE("what is honoured is not worth a word") {
  CHECK(told("mail_name = x\nmyorigin = y\n").empty());
  CHECK(told("", "relay unix - - y - - smtp\n  -o smtp_tls_per_site=hash:/x -o smtp_fallback_relay=\n").empty());
}

TEST_CASE("a default value is not worth a word") {
  CHECK(told("biff = no\nsmtpd_use_tls = no\nheader_checks =\n").empty());
  CHECK(told("smtp_use_tls = no\nsmtp_sasl_type = cyrus\n").empty());
}

TEST_CASE("no restriction that smtpd has is named") {
  CHECK(told("smtpd_recipient_restrictions = permit_mynetworks, reject_unverified_recipient, reject\n").empty());
  CHECK(told("smtpd_recipient_restrictions = permit_mynetworks, check_policy_service { inet:[::1]:1, timeout=1 } reject\n").empty());
  CHECK(told("smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination\n").empty());
  CHECK(told("smtpd_restriction_classes = mine\nmine = reject_unverified_sender\nsmtpd_helo_restrictions = mine\n").empty());
}

// Debian 12's package writes such a file.
TEST_CASE("the configuration of a fresh Debian lacks nothing") {
  constexpr std::string_view debian =
      "smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)\nbiff = no\nappend_dot_mydomain = no\n"
      "readme_directory = no\ncompatibility_level = 3.6\n"
      "smtpd_tls_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem\nsmtpd_tls_key_file=/etc/ssl/private/ssl-cert-snakeoil.key\n"
      "smtpd_tls_security_level=may\nsmtp_tls_CApath=/etc/ssl/certs\nsmtp_tls_security_level=may\n"
      "smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache\n"
      "smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination\n"
      "myhostname = vm\nalias_maps = hash:/etc/aliases\nalias_database = hash:/etc/aliases\n"
      "mydestination = $myhostname, vm, localhost.localdomain, , localhost\nrelayhost =\n"
      "mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\nmailbox_command = procmail -a \"$EXTENSION\"\n"
      "mailbox_size_limit = 0\nrecipient_delimiter = +\ninet_interfaces = all\ninet_protocols = all\n";
  const auto main = config::Main::parse(debian, "/etc/postfix");
  REQUIRE(main.has_value());
  CHECK(config::not_yet(*main).empty());
}
