#include "lib/mailbox/outcome.h"

#include <cerrno>

#include "lib/base/error.h"

namespace mailbox {

mail::Dsn dsn_of(int code) {
  switch (code) {
    case EFBIG:
    case EDQUOT: return {5, 2, 2};
    case EACCES:
    case EPERM:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENXIO:
    case ENODEV:
    case ENAMETOOLONG:
    case EINVAL:
    case EXDEV: return {5, 2, 0};
    default: return {4, 2, 0};
  }
}

Outcome failed(int code, std::string_view what) {
  return {dsn_of(code), base::Error::system(what, code).message(), {}};
}

}  // namespace mailbox
