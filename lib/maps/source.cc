#include "lib/maps/source.h"

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/log/log.h"

namespace maps {
namespace {

// The length of the key that starts `text`: up to white space outside of quotes; none when a quote is not closed.
std::optional<std::size_t> key_length(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      quoted = !quoted;
    } else if (quoted && text[i] == '\\') {
      ++i;
    } else if (!quoted && ascii::is_space(text[i])) {
      return i;
    }
  }
  if (quoted) return std::nullopt;
  return text.size();
}

}  // namespace

bool check_source_line(const LogicalLine& line, std::string_view file, bool utf8) {
  if (!utf8 || base::is_utf8(line.text)) return true;
  maillog::warning("{}, line {}: non-UTF-8 input \"{}\" -- ignoring this line", file, line.number, line.text);
  return false;
}

std::optional<SourceEntry> MapSource::next() {
  while (const auto line = lines_.next()) {
    if (!check_source_line(*line, file_, options_.utf8)) continue;
    if (const auto entry = parse(*line)) return entry;
  }
  return std::nullopt;
}

std::optional<SourceEntry> MapSource::parse(const LogicalLine& line) const {
  const auto length = key_length(line.text);
  if (!length) {
    maillog::warning("{}, line {}: unbalanced '\"' in '{}' -- ignoring this line", file_, line.number, line.text);
    return std::nullopt;
  }
  const SourceEntry entry{line.text.substr(0, *length), ascii::trim(line.text.substr(*length)), line.number};
  if (entry.key.empty() || entry.value.empty()) {
    maillog::warning("{}, line {}: expected format: key whitespace value{}", file_, line.number, options_.after_bad_format);
    return std::nullopt;
  }
  if (entry.key.ends_with(':')) {
    maillog::warning("{}, line {}: record is in \"key: value\" format; is this an alias file?", file_, line.number);
  }
  return entry;
}

}  // namespace maps
