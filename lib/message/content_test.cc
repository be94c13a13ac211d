// BINARY and its like of what no recorded message has.

#include "lib/message/content.h"

#include <string>

#include "lib/testing/catch.h"

namespace {

using std::string_literals::operator""s;

const std::string mixed = "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\nPrologue\n--b\nContent-Transfer-Encoding: base64\nX: y\n\naGkKAA==\n"
                          "--b\n\nplain\n--b\nContent-Type: message/rfc822\n\ncontent-transfer-encoding: quoted-printable\n\na=20b\n--b--\nEpilogue\n";

std::string decoded(const std::string& text, const std::vector<std::uint32_t>& path) {
  const auto found = message::decode_binary(text, message::Parts::parse(text), path);
  return !found ? "failed" : (found->is_decoded ? "~" : "") + found->bytes;
}

std::string encoded(const std::string& text) {
  std::string out;
  message::encode_binary(text, message::Parts::parse(text), [&](std::string_view piece) {
    out += piece;
    return true;
  });
  return out;
}

}  // namespace

TEST_CASE("all that is in a part is decoded, and said to be binary") {
  CHECK(decoded(mixed, {1}) == "~hi\n\0"s);
  CHECK(decoded(mixed, {2}) == "plain");
  CHECK(decoded(mixed, {3}) == "~Content-Transfer-Encoding: binary\r\n\r\na b");
  CHECK(decoded(mixed, {3, 1}) == "~a b");
  CHECK(decoded(mixed, {4}).empty());
  CHECK(decoded(mixed, {}) == "~Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nPrologue\r\n--b\r\nX: y\r\nContent-Transfer-Encoding: binary\r\n\r\nhi\n\0\r\n"
                              "--b\r\n\r\nplain\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: binary\r\n\r\na b\r\n--b--\r\nEpilogue\r\n"s);
  CHECK(decoded("Content-Transfer-Encoding: base64\n\n", {}) == "Content-Transfer-Encoding: base64\r\n\r\n");
  CHECK(decoded("Content-Transfer-Encoding: own\n\nx", {}) == "failed");
  CHECK(decoded("Content-Transfer-Encoding: base64\n\na*", {1}) == "failed");
}

TEST_CASE("parts that are binary are encoded") {
  CHECK(encoded("Content-Transfer-Encoding: BINARY\r\nX: y\r\n\r\n\0\1"s) == "Content-Transfer-Encoding: base64\r\nX: y\r\n\r\nAAE=");
  CHECK(encoded("A: b\r\n\r\nx\0\r\n"s) == "A: b\r\n\r\nx\0\r\n"s);
  CHECK(encoded("Content-Transfer-Encoding: binary\r\n\r\n") == "Content-Transfer-Encoding: binary\r\n\r\n");
  const std::string text = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + std::string(58, 'a') + "\r\n--b\r\n\r\nplain\r\n--b--\r\n";
  const std::string line = "YWFh";
  std::string lines;
  for (int i = 0; i < 19; ++i) lines += line;
  CHECK(encoded(text) == "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines + "\r\nYQ==\r\n--b\r\n\r\nplain\r\n--b--\r\n");
}
