#include "lib/base/error.h"

#include <cerrno>
#include <cstring>

namespace base {

Error Error::system(std::string_view what) { return system(what, errno); }

Error Error::system(std::string_view what, int code) {
  std::string message(what);
  message += ": ";
  message += ::strerrordesc_np(code) != nullptr ? ::strerrordesc_np(code) : "Unknown error";
  return Error(std::move(message), code);
}

Error Error::within(std::string_view context) && {
  std::string message(context);
  message += ": ";
  message += message_;
  return Error(std::move(message), code_);
}

}  // namespace base
