#pragma once
// The keys of "-q -": lines of standard input, or with -h and -b the header fields and body lines of a message there; with -m
// the fields of its parts' headers count as header fields.

#include <functional>
#include <string_view>

#include "lib/mail/mime_scan.h"
#include "postmap/options.h"

namespace postmap {

[[nodiscard]] Result<void> for_each_key(const Options& options, mail::MimeScan::Limits limits, std::string_view input,
                                        const std::function<Result<void>(std::string_view key)>& ask);

}  // namespace postmap
