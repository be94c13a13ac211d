// libFuzzer's doors to one target, which FUZZ_TARGET names.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "lib/base/check.h"
#include "lib/log/sink.h"
#include "test/fuzz/target.h"

namespace {
const fuzz::Target* chosen;
}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* const name = std::getenv("FUZZ_TARGET");
  CHECK(name != nullptr);
  const auto found = std::ranges::find(fuzz::targets(), std::string_view(name), &fuzz::Target::name);
  CHECK(found != fuzz::targets().end());
  chosen = &*found;
  maillog::open({.target = maillog::Target::file, .path = "/dev/null"});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
