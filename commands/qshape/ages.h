#pragma once
// The columns of the table: each counts messages of an age between two limits.

#include <chrono>
#include <string>
#include <vector>

namespace qshape {

enum class Scale { doubling, linear };

class Ages {
 public:
  // `count` columns, at least one. The first ends at `first` minutes; each further one at twice the limit of the one
  // before, or at the next multiple of `first`. The last has no limit.
  Ages(std::size_t count, double first, Scale scale);

  [[nodiscard]] std::size_t size() const { return limits_.size() + 1; }
  // The column of a message of this age. A message from the future is new.
  [[nodiscard]] std::size_t column(std::chrono::seconds age) const;
  // "5", "10", "10+".
  [[nodiscard]] const std::vector<std::string>& titles() const { return titles_; }

 private:
  std::vector<double> limits_;   // minutes; of all columns but the last
  std::vector<std::string> titles_;
};

}  // namespace qshape
