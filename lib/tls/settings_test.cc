#include <openssl/ssl.h>

#include "lib/tls/ciphers.h"
#include "lib/tls/facts.h"
#include "lib/tls/protocols.h"

#include "lib/testing/catch.h"

using tls::Protocols;

TEST_CASE("protocols by name, by exclusion and by bounds") {
  struct Row {
    const char* list;
    int lowest, highest;
    std::uint64_t left_out;
  };
  const Row table[] = {
      {"", 0, 0, 0},
      {">=TLSv1", TLS1_VERSION, 0, 0},
      {">=TLSv1.2, <=TLSv1.3", TLS1_2_VERSION, TLS1_3_VERSION, 0},
      {">=0303 <=0305", TLS1_2_VERSION, 0x0305, 0},
      {">=, <=", 0, 0, 0},
      {"!SSLv2, !SSLv3", 0, 0, SSL_OP_NO_SSLv3},
      {"tlsv1.2", 0, 0, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_3},
      {"TLSv1.2:TLSv1.3 !TLSv1.3", 0, 0, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_3},
  };
  for (const Row& row : table) {
    INFO(row.list);
    const auto protocols = Protocols::parse(row.list);
    REQUIRE(protocols);
    CHECK(protocols->lowest == row.lowest);
    CHECK(protocols->highest == row.highest);
    CHECK(protocols->left_out == row.left_out);
  }
  for (const char* list : {"TLSv9", "!", "!>=TLSv1", ">=TLSv9", ">=-1", "<=303x"}) {
    INFO(list);
    const auto protocols = Protocols::parse(list);
    REQUIRE_FALSE(protocols);
    CHECK(protocols.error().message() == std::string("Invalid TLS protocol list \"") + list + "\"");
  }
}

TEST_CASE("ciphers by grade, less those that are left out") {
  const tls::CipherLists lists{.high = "H", .medium = "M", .null = "N"};
  CHECK(*tls::cipher_list(lists, "HIGH", "") == "H");
  CHECK(*tls::cipher_list(lists, "export", "RC4, aNULL:MD5") == "M:!RC4:!aNULL:!MD5");
  CHECK(*tls::cipher_list(lists, "null", " ") == "N");
  CHECK(tls::cipher_list(lists, "best", "").error().message() == "invalid cipher grade: \"best\"");
}

TEST_CASE("a connection in words") {
  tls::Facts facts;
  facts.protocol = "TLSv1.3";
  facts.cipher = "C";
  facts.cipher_bits = 128;
  facts.algorithm_bits = 256;
  CHECK(facts.text() == "TLSv1.3 with cipher C (128/256 bits)");
  facts.client_digest = "SHA256";
  CHECK(facts.text() == "TLSv1.3 with cipher C (128/256 bits) client-digest SHA256");
  facts.key_exchange = "x25519";
  facts.server_signature = "RSA (2048 bits)";
  CHECK(facts.text() == "TLSv1.3 with cipher C (128/256 bits) key-exchange x25519 server-signature RSA (2048 bits) client-digest SHA256");
}
