#pragma once
// Subjects without "Re:" and "Fwd:" (RFC 5256 section 2.1), as SORT and THREAD compare them.

#include <string>
#include <string_view>

namespace message {

struct BaseSubject {
  std::string text;        // folded for i;unicode-casemap: to be compared byte by byte
  bool is_reply = false;   // or a forward: something was taken away that says so
};

// `subject`: the field's value as it stands in the header.
[[nodiscard]] BaseSubject base_subject(std::string_view subject);

}  // namespace message
