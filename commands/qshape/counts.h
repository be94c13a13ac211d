#pragma once
// What is counted: one row for all, one for each domain, and one for each parent of domains where that is wanted.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qshape {

// The domain by which an address is counted: in lower case, without empty labels; the whole of an address without '@';
// "MAILER-DAEMON" for the empty one.
[[nodiscard]] std::string domain_of(std::string_view address);

struct Row {
  std::vector<std::uint64_t> by_age;
  std::uint64_t all = 0;
  std::uint64_t children = 0;   // of a parent: domains and parents one label longer
  void add(std::size_t column) {
    ++by_age[column];
    ++all;
  }
};

enum class Parents { left_out, counted };

class Counts {
 public:
  Counts(std::size_t columns, Parents parents) : columns_(columns), parents_(parents), total_(empty_row()) {}

  void add(const std::string& domain, std::size_t column);

  [[nodiscard]] const Row& total() const { return total_; }
  // "TOTAL", the domains, and those parents (".example.com") that have `children_min` children or more: most first, of
  // equals the shorter name first.
  [[nodiscard]] std::vector<std::pair<std::string, const Row*>> sorted(std::uint64_t children_min) const;

 private:
  [[nodiscard]] Row empty_row() const { return {.by_age = std::vector<std::uint64_t>(columns_)}; }
  // The row of that name, and whether it is new.
  std::pair<Row&, bool> row(const std::string& name);

  std::size_t columns_;
  Parents parents_;
  Row total_;
  std::map<std::string, Row> rows_;
};

}  // namespace qshape
