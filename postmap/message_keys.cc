#include "postmap/message_keys.h"

#include <algorithm>
#include <optional>
#include <string>

#include "lib/mail/body_walk.h"
#include "lib/mail/header.h"

namespace postmap {
namespace {

using Ask = std::function<Result<void>(std::string_view key)>;

// The next line without its ending; `rest` moves behind it.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

// The next header field, its folded lines included; none at the first line that is not of a header.
std::optional<std::string_view> take_field(std::string_view& rest) {
  std::string_view after = rest;
  if (rest.empty() || !mail::split_header(take_line(after))) return std::nullopt;
  const char* const start = rest.data();
  while (!after.empty() && mail::is_folded(after)) take_line(after);
  std::string_view field(start, static_cast<std::size_t>(after.data() - start));
  if (field.ends_with('\n')) field.remove_suffix(1);
  rest = after;
  return field;
}

// The lines behind the header: with -m those of parts' headers are header fields too.
class Body final : public mail::BodyWalk::Handler {
 public:
  Body(const Options& options, const Ask& ask) : options_(options), ask_(ask) {}

  void part_field(std::string_view text, bool /*is_attached*/) override {
    if (options_.header_keys) look_up(text);
  }
  void body_line(std::string_view data, bool /*is_whole*/, std::size_t /*offset*/) override {
    if (options_.body_keys) look_up(data);
  }
  [[nodiscard]] const Result<void>& result() const { return result_; }

 private:
  void look_up(std::string_view key) {
    if (result_) result_ = ask_(key);
  }

  const Options& options_;
  const Ask& ask_;
  Result<void> result_;
};

}  // namespace

Result<void> for_each_key(const Options& options, mail::MimeScan::Limits limits, std::string_view input, const Ask& ask) {
  std::string_view rest = input;
  if (!options.header_keys && !options.body_keys) {
    while (!rest.empty()) TRY(ask(take_line(rest)));
    return {};
  }
  mail::MimeScan scan(limits);
  while (const auto field = take_field(rest)) {
    scan.field(*field);
    if (options.header_keys) TRY(ask(*field));
  }
  scan.end_of_header();
  if (!options.body_keys && !options.mime) return {};
  // The empty line belongs to the body; where there is none, one is thought of.
  Body body(options, ask);
  mail::BodyWalk walk(options.mime ? &scan : nullptr, input.size(), body);
  std::string_view behind = rest;
  if (options.body_keys && !rest.empty() && !take_line(behind).empty()) TRY(ask(""));
  while (!rest.empty() && body.result()) walk.take(take_line(rest), true);
  walk.finish();
  return body.result();
}

}  // namespace postmap
