// Berkeley DB: the rest of its functions are reached through a handle.

#include <db.h>

#include "lib/late/library.h"

namespace {

constexpr late::Library library(BERKELEY_SONAME);

}  // namespace

int db_create(DB** handle, DB_ENV* environment, u_int32_t flags) {
  return library.function<&db_create>(__func__)(handle, environment, flags);
}

char* db_strerror(int code) { return library.function<&db_strerror>(__func__)(code); }
