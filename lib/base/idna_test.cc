#include "lib/base/idna.h"

#include "lib/testing/catch.h"

TEST_CASE("names for the DNS are in ASCII") {
  const struct {
    const char *name, *ascii;
  } table[] = {
      {"example.test", "example.test"},
      {"A_b.-x.xn--a", "A_b.-x.xn--a"},
      {"b\303\274cher.example", "xn--bcher-kva.example"},
      {"B\303\234CHER.example", "xn--bcher-kva.example"},
      {"bu\314\210cher.example", "xn--bcher-kva.example"},
      {"stra\303\237e.example", "xn--strae-oqa.example"},
      {"\342\231\245.example", "xn--g6h.example"},
      {"b\303\274cher\343\200\202example", "xn--bcher-kva.example"},
  };
  for (const auto& row : table) CHECK(idna::to_ascii(row.name) == row.ascii);
  CHECK(idna::to_unicode("xn--bcher-kva.example") == "b\303\274cher.example");
}

TEST_CASE("what is no domain name is refused") {
  std::string label;
  for (int i = 0; i < 70; ++i) label += "\303\274";
  for (const std::string& name : {std::string("\377.example"), std::string("a\303\274-.example"), label + ".example", std::string(2000, '\303')}) {
    CHECK_FALSE(idna::to_ascii(name).has_value());
  }
}
