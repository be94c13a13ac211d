#include "lib/base/c_escapes.h"

#include "lib/testing/catch.h"

TEST_CASE("characters as C writes them") {
  struct Vector {
    std::string_view text, meaning;
  };
  for (const Vector& vector : {
           Vector{"", ""},
           Vector{"plain", "plain"},
           Vector{"\\a\\b\\f\\n\\r\\t\\v", "\a\b\f\n\r\t\v"},
           Vector{"a\\tb", "a\tb"},
           Vector{"\\40\\041\\0411", " !!1"},
           Vector{"\\8\\79", "8\0079"},
           Vector{"\\0", std::string_view("\0", 1)},
           Vector{"\\377", "\377"},
           Vector{"\\q\\\"", "q\""},
           Vector{"\\\\n", "\\n"},
           Vector{"end\\", "end\\"},
           Vector{"\\", "\\"},
           Vector{"x", "x"},
       }) {
    INFO(vector.text);
    CHECK(base::unescape_c(vector.text) == vector.meaning);
  }
}

TEST_CASE("bytes in C's notation") {
  CHECK(base::escape_c("EHLO\\a\r\n\t") == "EHLO\\\\a\\r\\n\\t");
  CHECK(base::escape_c(std::string_view("\0\x16\xa5", 3)) == "\\000\\026\\245");
}
