#pragma once
// The keys of "-q -": lines of standard input, or with -h and -b the header fields and body lines of a message there.

#include <functional>
#include <string_view>

#include "postmap/options.h"

namespace postmap {

[[nodiscard]] Result<void> for_each_key(const Options& options, std::string_view input,
                                        const std::function<Result<void>(std::string_view key)>& ask);

}  // namespace postmap
