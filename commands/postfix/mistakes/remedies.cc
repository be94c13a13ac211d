#include "commands/postfix/mistakes/remedies.h"

#include <algorithm>
#include <array>

namespace postfix {
namespace {

// The loaders, and Postfix, whose words they use, say what is wrong; here is what to do.
struct Remedy {
  std::string_view finding;  // a part of it
  std::string_view text;
};
constexpr std::array remedies{
    Remedy{"unreasonable macro call nesting", "its value refers to itself: write it out"},
    Remedy{"truncated macro reference", "close the brace"},
    Remedy{"bad string length 0 <", "give it a value, or remove the line for the default"},
    Remedy{"bad numerical configuration", "write a number"},
    Remedy{"bad time value or unit", "write a number and one of s, m, h, d, w"},
    Remedy{"bad boolean configuration", "write yes or no"},
    Remedy{"unknown inet_protocols value", "write all, ipv4 or ipv6"},
    Remedy{"config variable inet_interfaces: host not found", "write addresses of this host, all, or loopback-only"},
    Remedy{"cannot open file", "write the file, or the name itself in its place"},
    Remedy{"unsupported dictionary type", "'postconf -m' lists those that there are"},
    Remedy{": open file ", "write the file, or take it from the list"},
    Remedy{"bounce_template_file: open ", "write the file, or remove the line"},
    Remedy{"execvp ", "write the path of a command that is there"},
    Remedy{"missing user= command-line attribute", "add user=NAME"},
    Remedy{"missing argv= command-line attribute", "add argv=COMMAND"},
    Remedy{"loops back to myself", "name the host where it is to go"},
    Remedy{"alias loop: ", "take one of them out"},
    Remedy{"bad network value in", "write ADDRESS/BITS"},
    Remedy{"lets everybody send mail", "name your own networks"},
    Remedy{"unknown smtpd restriction", "postconf(5) lists them"},
};

}  // namespace

std::string_view remedy_for(std::string_view finding) {
  const auto* const found = std::ranges::find_if(remedies, [&](const Remedy& one) { return finding.contains(one.finding); });
  return found != remedies.end() ? found->text : std::string_view();
}

}  // namespace postfix
