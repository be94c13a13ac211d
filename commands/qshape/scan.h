#pragma once
// The messages of a queue, as qshape counts them.

#include <functional>
#include <string>

#include "lib/base/deadline.h"
#include "lib/base/error.h"

namespace qshape {

enum class Whom { senders, recipients };

struct Found {
  Stamp arrived;
  // Of recipients those still to deliver; of senders the one, when there is such a recipient.
  std::string address;
};

struct Visitor {
  std::function<void(const Found&)> address;
  std::function<void()> message;   // all of a message has been visited
};

// Goes through a queue directory and all below it, or one queue file. Files that are not complete messages, or that are
// gone before they are read, are left out.
[[nodiscard]] Result<void> scan(const std::string& path, Whom whom, const Visitor& visitor);

}  // namespace qshape
