#pragma once
// qmail's way to ask for VERP: a sender "list-@example.org-@[]" stands for list@example.org with the delimiters "-=".

#include <optional>
#include <string>
#include <string_view>

namespace qmqpd {

struct VerpSender {
  std::string address;
  std::string delimiters;   // two characters, not yet checked
};
// None for a sender that asks for nothing.
[[nodiscard]] std::optional<VerpSender> parse_verp_sender(std::string_view sender);

}  // namespace qmqpd
