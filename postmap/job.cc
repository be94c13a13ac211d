#include "postmap/job.h"

#include <unistd.h>

#include "lib/maps/text_table.h"

namespace postmap {
namespace {

constexpr std::size_t input_limit = std::size_t{4} * 1024 * 1024 * 1024;  // bytes of standard input

}  // namespace

maps::Flags Job::flags() const {
  maps::Flags flags = maps::Flags::none;
  if (options.fold) flags = flags | maps::Flags::fold_keys;
  if (utf8) flags = flags | maps::Flags::utf8;
  if (options.with_nul) flags = flags | maps::Flags::with_nul;
  if (options.without_nul) flags = flags | maps::Flags::without_nul;
  return flags;
}

TableName split_table_name(const Job& job, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {job.params.default_database_type, std::string(text)};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

Result<std::string> read_standard_input() {
  auto text = maps::read_text_file(STDIN_FILENO, input_limit);
  if (!text) return base::Failure(std::move(text).error().within("standard input"));
  return text;
}

}  // namespace postmap
