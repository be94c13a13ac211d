#pragma once
// The macro language of main.cf:
//   $name  ${name}  $(name)            the value; nothing when nobody knows the name
//   $$                                 a dollar sign
//   ${name?text}  ${name?{text}}       text, when the value of name is not empty
//   ${name:text}  ${name:{text}}       text, when it is
//   ${name?{text}:{text}}              one or the other
//   ${{left} == {right} ? {a} : {b}}   also != < <= > >=, of numbers when both sides are digits and else of bytes; and
//                                      ==level ... for compatibility levels ("3.6"); without "?" it is "true" or nothing
//   ${domain_to_ascii{text}}  ${domain_to_utf8{text}}     the two forms of an internationalised domain
// All texts may hold macros again.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace config {

// Values that refer to each other may be nested this deep; more is taken for a loop.
inline constexpr int max_expand_depth = 20;

// Where values come from: what a name stands for, as written, or none for a name that nobody knows.
using Lookup = std::function<Result<std::optional<std::string>>(std::string_view name)>;

enum class Values {
  expanded,  // a value is a text with macros itself, as in main.cf
  verbatim,  // a value is what it is: peers and messages supply it (smtpd's replies, local's commands)
};

// The error quotes the place that is not understood, with Postfix's words.
[[nodiscard]] Result<std::string> expand(std::string_view text, const Lookup& lookup, Values values);

}  // namespace config
