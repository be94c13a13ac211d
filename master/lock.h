#pragma once
// There is one master per queue: it holds the lock of pid/master.pid for its life. The lock, not the number in the file,
// says whether master runs, so a file left by a power cut whose number belongs to another process by now does not matter.

#include <optional>
#include <string>

#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace master {

class MasterLock {
 public:
  // Takes the lock and writes our process id. Error when another master has it.
  static Result<MasterLock> take(const std::string& path);
  // Whether a master holds the lock.
  [[nodiscard]] static bool is_held(const std::string& path);

 private:
  explicit MasterLock(Fd file) : file_(std::move(file)) {}
  Fd file_;
};

}  // namespace master
