#include "bounce/wrap.h"

#include <algorithm>
#include <string>

namespace bounce {
namespace {

constexpr std::string_view indent = "    ";

}  // namespace

bool wrap(std::string_view text, const LineSink& sink) {
  std::string_view prefix;
  do {
    const std::size_t room = line_width - prefix.size();
    std::size_t end = text.size();
    if (text.size() > room) {
      end = text.rfind(' ', room);
      // No blank within the room, or only leading ones: up to the end of the word that does not fit.
      if (end == std::string_view::npos || text.find_first_not_of(' ') > end) {
        end = std::min(text.find(' ', std::min(text.find_first_not_of(' '), text.size())), text.size());
      }
    }
    const std::string line = std::string(prefix) + std::string(text.substr(0, end));
    if (!sink({line, false})) return false;
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    prefix = indent;
  } while (!text.empty());
  return true;
}

}  // namespace bounce
