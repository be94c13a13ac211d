#include "lib/queue/content.h"

#include <fmt/format.h>

namespace queue {

Result<std::optional<ContentLine>> ContentReader::next() {
  const RecordReader::Item item = TRY(reader_.next());
  if (item.type == RecordType::normal) return ContentLine{item.data, false};
  if (item.type == RecordType::continued) return ContentLine{item.data, true};
  if (item.type == RecordType::extracted) return std::nullopt;
  return base::fail(fmt::format("unexpected record in the content at offset {}", item.offset));
}

}  // namespace queue
