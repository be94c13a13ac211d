// What is encoded, decoded; and bytes as IMAP counts them.

#include <string>

#include "lib/message/charset.h"
#include "lib/message/content.h"
#include "lib/message/encoded_words.h"
#include "lib/message/html_text.h"
#include "lib/message/parts.h"
#include "lib/message/search.h"
#include "lib/message/section.h"
#include "lib/message/transfer.h"
#include "lib/message/wire_text.h"

#include "lib/testing/catch.h"

using std::string_literals::operator""s;

namespace {

std::string decoded(message::TransferEncoding encoding, std::string_view text, std::size_t step) {
  message::TransferDecoder decoder(encoding);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += step) decoder.decode(text.substr(at, step), out);
  decoder.finish(out);
  return out;
}

std::string converted(std::string_view charset, std::string_view text, std::size_t step) {
  message::Utf8Converter converter(charset);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += step) converter.convert(text.substr(at, step), out);
  converter.finish(out);
  return out;
}

std::string html_text(std::string_view html, std::size_t step) {
  message::HtmlText text;
  std::string out, quoted;
  for (std::size_t at = 0; at < html.size(); at += step) text.take(html.substr(at, step), out, quoted);
  text.finish(out, quoted);
  return out + "|" + quoted;
}

bool is_section(std::string_view text) { return message::Section::parse(text).has_value(); }

std::string many(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("transfer encodings are decoded wherever the pieces end") {
  using enum message::TransferEncoding;
  for (const std::size_t step : {1, 2, 3, 5, 1000}) {
    CHECK(decoded(base64, "Zm9v\r\nYmFy IQ==\n", step) == "foobar!");
    CHECK(decoded(base64, "Zm8=Zm8=", step) == "fo");
    CHECK(decoded(base64, "Zm9v*YmFy", step) == "foo");
    CHECK(decoded(quoted_printable, "a=3Db=\n c \t\n=C3=BC =\r\n\r\nd  =  \ne=zz=4=", step) == "a=b c\r\n\xc3\xbc \r\nd  e=zz=4");
    CHECK(decoded(eight_bit, "a=3D\n", step) == "a=3D\n");
  }
}

TEST_CASE("text of any set becomes valid UTF-8 wherever the pieces end") {
  for (const std::size_t step : {1, 2, 3, 5, 1000}) {
    CHECK(converted("utf-8", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \xe2\x82", step) == "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \xef\xbf\xbd");
    CHECK(converted("ISO-8859-1", "gr\xfc\xdf", step) == "gr\xc3\xbc\xc3\x9f");
    CHECK(converted("utf-16le", "\x3d\xd8\x00\xde!\0"s, step) == "\xf0\x9f\x98\x80!");
    CHECK(converted("iso-2022-jp", "\x1b$BF|K\\\x1b(B!", step) == "\xe6\x97\xa5\xe6\x9c\xac!");
  }
  CHECK_FALSE(message::Utf8Converter("x-none").is_known());
  CHECK_FALSE(message::to_utf8("utf-8", "\xff").has_value());
}

TEST_CASE("encoded words become text, and what is none stays") {
  CHECK(message::decode_words("=?utf-8?q?a_=3D?= =?UTF-8?b?w7w=?= b") == "a =\xc3\xbc b");
  CHECK(message::decode_words("=?utf-8?q?=C3?= =?utf-8?q?=BC?=") == "\xc3\xbc");  // cut within a character
  CHECK(message::decode_words("=?iso-8859-1*de?Q?=FC?=x") == "\xc3\xbcx");
  for (const std::string_view same : {"=?utf-8?q?a", "=?utf-8?x?a?=", "=??q?a?=", "a =? b ?= c", "=?utf-8?q?"}) CHECK(message::decode_words(same) == same);
  CHECK(message::decode_words(many(100000, "=?a?q?x ")) == many(100000, "=?a?q?x "));
}

TEST_CASE("HTML becomes text wherever the pieces end") {
  for (const std::size_t step : {1, 2, 3, 1000}) {
    CHECK(html_text("a<b>c</b>&lt;&#x41;&auml;<!-- > -->d<script>x<y</script >e AT&T", step) == "a c <A\xc3\xa4" "d e AT&T|");
    CHECK(html_text("a<blockquote>b</blockquote>c", step) == "a c|b ");
  }
}

TEST_CASE("bytes are counted and read as IMAP has them") {
  message::WireText text;
  text.add("a\nb\r\n\n");
  text.add("c\rd\n");
  const std::string all = "a\r\nb\r\n\r\nc\rd\r\n";
  REQUIRE(text.size() == all.size());
  for (std::size_t offset = 0; offset <= all.size() + 1; ++offset) {
    for (std::size_t count = 0; count <= all.size() + 1; ++count) {
      message::WireReader reader(text, offset, count);
      std::string out;
      while (reader.left() > 0) reader.read(out, 2);
      CHECK(out == all.substr(std::min(offset, all.size()), count));
    }
  }
  message::WireMark mark;
  std::string out;
  for (std::size_t at = 0; at < all.size(); at += 2) {
    message::WireReader reader(text, at, 2, mark);
    reader.read(out, 2);
    mark = reader.mark();
    CHECK(mark.wire == std::min(at + 2, all.size()));
  }
  CHECK(out == all);
}

TEST_CASE("sections are what RFC 3501 says") {
  for (const std::string_view good : {"", "1", "1.2.3", "HEADER", "text", "1.MIME", "1.header.fields (a \"b\")", "HEADER.FIELDS.NOT (A)", "2.TEXT"}) CHECK(is_section(good));
  for (const std::string_view bad : {"MIME", "1.", ".1", "1..2", "X", "1.X", "HEADER.FIELDS", "HEADER.FIELDS ()", "HEADER.FIELDS (a", "HEADER.FIELDS (a) b", "HEADER (a)",
                                     "99999999999", "HEADER.FIELDS (a\"b\")", " "})
    CHECK_FALSE(is_section(bad));
  CHECK(is_section(many(99, "1.") + "1"));
  CHECK_FALSE(is_section(many(100, "1.") + "1"));
}

TEST_CASE("parts have limits, beyond which their text belongs to the part around them") {
  const std::string flat = "Content-Type: multipart/mixed; boundary=b\n\n" + many(20000, "--b\n\nx\n");
  const auto parts = message::Parts::parse(flat);
  CHECK(parts.size() == message::PartLimits{}.parts);
  CHECK(parts.root().whole().size == flat.size());
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "Content-Type: multipart/mixed; boundary=\"" + std::to_string(i) + ";\"\n\n--" + std::to_string(i) + ";\n";
  CHECK(message::Parts::parse(deep).size() == message::PartLimits{}.depth);
}

TEST_CASE("what is looked for is found across pieces, in any case and form") {
  const std::string body(65530, 'x');
  const std::string text = "Content-Type: text/plain; charset=utf-8\n\n" + body + "STRASSE Gr\xc3\x9c\xc3\x9f" "e" + body;
  const auto parts = message::Parts::parse(text);
  for (const std::string_view needle : {"strasse", "xstrasse GR\xc3\xbc\xc3\x9f", "gru\xcc\x88", "\xef\xbd\x93trasse"}) CHECK(is_in_body(message::Needle(needle), text, parts));
  for (const std::string_view needle : {"strase", "grusse", "e gr"}) CHECK(is_in_body(message::Needle(needle), text, parts) == (needle == "e gr"));
  const std::string long_needle = many(100000, "xy");
  const std::string long_text = "\n" + many(60000, "xy") + many(100000, "xy");
  CHECK(is_in_body(message::Needle(long_needle), long_text, message::Parts::parse(long_text)));
}
