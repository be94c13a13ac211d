#include "qmqpd/verp.h"

namespace qmqpd {

std::optional<VerpSender> parse_verp_sender(std::string_view sender) {
  constexpr std::string_view mark = "-@[]";
  if (!sender.ends_with(mark)) return std::nullopt;
  sender.remove_suffix(mark.size());
  const std::size_t at = sender.rfind('@');
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  return VerpSender{.address = std::string(sender.substr(0, at - 1)) + std::string(sender.substr(at)),
                    .delimiters = std::string(1, sender[at - 1]) + "="};
}

}  // namespace qmqpd
