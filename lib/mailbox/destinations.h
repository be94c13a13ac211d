#pragma once
// The right-hand side of an alias and a line of a .forward or :include: file: addresses, "|command", /file, :include:path.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailbox {

enum class DestinationKind { address, command, file, include };

// `text`: an address in internal form, which may begin with '\' (no further expansion); a command without '|'; a path;
// the path of an :include:.
struct Destination {
  DestinationKind kind;
  std::string text;
};

inline constexpr std::size_t destination_limit = 50'000;  // of one alias or file; what follows is not looked at

// The items of a value, separated by commas, spaces or both, with the syntax of a header's address list: "quoted text" is
// one word, (comments) are dropped, of "Some Name <address>" the address counts, and so do the members of "group: a, b;".
// What is no address at all is taken as one; the resolver says so.
[[nodiscard]] std::vector<std::string> split_destinations(std::string_view value);

[[nodiscard]] Destination classify(std::string_view item);

}  // namespace mailbox
