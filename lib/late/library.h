#pragma once
// A shared library that a command needs rarely, loaded at the first call of one of its functions. Each library that is there
// from the start costs 0.1 to 0.2 ms, which is a tenth of what a command like sendmail(1) takes. The files here define a library's
// functions with the library's own declarations, so that callers know nothing of it, and one that is missing here is an error
// of the linker.

#include <dlfcn.h>

#include "lib/log/log.h"

namespace late {

class Library {
 public:
  explicit constexpr Library(const char* soname) : soname_(soname) {}

  // The library's own function of that name. `Declared` is the one here, which tells its type.
  template <auto* Declared>
  [[nodiscard]] decltype(Declared) function(const char* name) const {
    static const auto found = reinterpret_cast<decltype(Declared)>(find(name));
    return found;
  }

 private:
  // What cannot be loaded leaves nothing to go on with: it was there when the suite was installed.
  [[nodiscard]] void* find(const char* name) const {
    void* const handle = ::dlopen(soname_, RTLD_NOW | RTLD_LOCAL);
    void* const found = handle != nullptr ? ::dlsym(handle, name) : nullptr;
    if (found == nullptr) maillog::fatal("load {}: {}", soname_, ::dlerror());
    return found;
  }
  const char* soname_;
};

}  // namespace late
