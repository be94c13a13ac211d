#pragma once
// The end of postdrop's conversation: numbers that Postfix's sendmail(1) and others that start postdrop(1) know.

namespace postdrop {

enum class Status { ok = 0, bad = 1, write = 2, size = 4 };

inline constexpr const char* protocol = "postdrop_protocol";

}  // namespace postdrop
