// Stored passwords, with hashes that other programs have made of "secret".

#include "lib/auth/password.h"
#include "lib/testing/catch.h"

namespace {

using auth::StoredPassword;

constexpr const char* stored[] = {
    "{PLAIN}secret",
    "{plain.b64}c2VjcmV0",
    "{CLEARTEXT.hex}736563726574",
    "$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
    "{SHA512-CRYPT}$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
    "{SHA256-CRYPT}$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA",
    "{MD5-CRYPT}$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
    "{BLF-CRYPT}$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
    "{CRYPT}abNANd1rDfiNc",
    "{CRYPT}$y$j75$saltsaltsalt$jyf/lxrpdyAIshWRo1x5DRC6KIE7sNRRtjcomR3PgHA",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{SHA1.hex}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
    "{SSHA}8bX4JQDfZqtTfvnQ4ssDmWb17/FTQUxU",
    "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "{sha256}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "{SSHA256}/Z0pkpAWsb9JVo7KukPokurXiYYQIwyFpQehiwMEOTpTQUxU",
    "{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg==",
    "{SSHA512}3ShoSsYylWhYBPmYLBLPWMsdqUFmDlSSpoURtOyEFMsB8ey52xMq0+cfaTm85RotK4gvIMfY/L8x/nn7YudHOFNBTFQ=",
    "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69",
    "{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
    "{SMD5}CCQT4R6k4J6Ehe4Ver4QaVNBTFQ=",
    "{PBKDF2}$1$salt$100$b73635f7c0882e1fc3ba6e29b14af1274df84828",
    "{SCRAM-SHA-1}4096,c2FsdHNhbHQ=,RgEqzzKLKVeLA7GvEwcwrTiMvYA=,BGJ3kaHb4Tscas0mjhXJHF+aw/s=",
    "{SCRAM-SHA-256}4096,c2FsdHNhbHQ=,v9cxy4WCDtc8UMxTg6KXCtlxIku1bUKTGuWEXFC1L54=,rwGpSn6lR97mSEImO0RA7JCZ4WnpCnnKddTt3G/t6II=",
};

TEST_CASE("a password is found right, and others wrong, whatever its scheme") {
  for (const char* text : stored) {
    INFO(text);
    const auto password = StoredPassword::parse(text);
    REQUIRE(password.has_value());
    CHECK(password->verify("secret").value_or(false));
    for (const std::string_view wrong : {"", "Secret", "secret ", "secre", "secretsecret"}) CHECK_FALSE(password->verify(wrong).value_or(true));
    CHECK_FALSE(password->verify(std::string_view("secret\0x", 8)).value_or(true));
  }
}

TEST_CASE("what is hashed again and again is slow, and nothing else") {
  for (const char* text : {"{PLAIN}secret", "{SSHA}8bX4JQDfZqtTfvnQ4ssDmWb17/FTQUxU", "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69"}) {
    INFO(text);
    CHECK(StoredPassword::parse(text).value().is_quick());
  }
  for (const char* text : {"{CRYPT}abNANd1rDfiNc", "{PBKDF2}$1$salt$100$b73635f7c0882e1fc3ba6e29b14af1274df84828",
                           "{SCRAM-SHA-1}4096,c2FsdHNhbHQ=,RgEqzzKLKVeLA7GvEwcwrTiMvYA=,BGJ3kaHb4Tscas0mjhXJHF+aw/s="}) {
    INFO(text);
    CHECK_FALSE(StoredPassword::parse(text).value().is_quick());
  }
}

TEST_CASE("Argon2 has its parameters in the hash") {
  // echo -n secret | argon2 saltsalt -id -t 2 -m 8 -p 1 -e
  const auto password = StoredPassword::parse("{ARGON2ID}$argon2id$v=19$m=256,t=2,p=1$c2FsdHNhbHQ$+Th5iEV2OIaGwZw2I3sdIGQs8rJgJILnQXTojT5S6pw");
  REQUIRE(password.has_value());
  CHECK(password->verify("secret").value_or(false));
  CHECK_FALSE(password->verify("secre").value_or(true));
}

TEST_CASE("nobody has the password of a locked account, nor an empty one") {
  for (const char* text : {"{CRYPT}!", "{CRYPT}*", "{CRYPT}!$1$saltsalt$9xy1btjgzLYfb7hivXtC//", "{CRYPT}", "{PLAIN}"}) {
    INFO(text);
    const auto password = StoredPassword::parse(text);
    REQUIRE(password.has_value());
    for (const std::string_view guess : {"", "!", "*", "secret"}) CHECK_FALSE(password->verify(guess).value_or(false));
  }
}

TEST_CASE("what cannot be verified is an error, and not a wrong password") {
  for (const char* text : {"{FOO}x", "{SHA}x", "{SHA}AAAA", "{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{PBKDF2}x", "{PBKDF2}$1$salt$0$b7", "{SCRAM-SHA-1}4096,x,y,z",
                           "{SCRAM-SHA-256}99999999999,c2FsdA==,AA==,AA==", "{PLAIN.rot13}x", "{ARGON2ID}$argon2id$v=19$m=99999999,t=1,p=1$c2FsdA$aGFzaA",
                           "{ARGON2ID}x"}) {
    INFO(text);
    CHECK_FALSE(StoredPassword::parse(text).has_value());
  }
  const auto unknown = StoredPassword::parse("{CRYPT}$99$salt$hash");
  REQUIRE(unknown.has_value());
  CHECK_FALSE(unknown->verify("secret").has_value());
}

TEST_CASE("an error never has the password in it") {
  for (const char* text : {"{SHA}hunter2", "{PBKDF2}hunter2", "{SCRAM-SHA-1}hunter2"}) {
    CHECK(StoredPassword::parse(text).error().message().find("hunter2") == std::string::npos);
  }
}

TEST_CASE("only some schemes serve mechanisms that do not send the password") {
  CHECK(StoredPassword::parse("{PLAIN}secret")->plain() == "secret");
  CHECK(StoredPassword::parse("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=")->plain() == std::nullopt);
  const auto scram = StoredPassword::parse(stored[22]);
  REQUIRE(scram->scram(auth::ScramHash::sha1).has_value());
  CHECK(scram->scram(auth::ScramHash::sha1)->iterations == 4096);
  CHECK(scram->scram(auth::ScramHash::sha1)->salt == "saltsalt");
  CHECK_FALSE(scram->scram(auth::ScramHash::sha256).has_value());
}

}  // namespace
