#include "lib/delivery/content.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/queue/content.h"

namespace delivery {
namespace {

constexpr std::size_t piece = 16 * 1024;

std::string printable_external(const std::string& internal) { return ascii::printable(mail::to_external(internal)); }

}  // namespace

std::string text(const PrefixHeaders& headers) {
  std::string out = fmt::format("Return-Path: <{}>\n", printable_external(headers.return_path));
  if (!headers.original.empty()) out += fmt::format("X-Original-To: {}\n", printable_external(headers.original));
  if (!headers.delivered_to.empty()) out += fmt::format("Delivered-To: {}\n", printable_external(headers.delivered_to));
  return out;
}

Result<CopyResult> copy_content(const ipc::DeliveryRequest& request, FromLines from_lines, const Sink& sink) {
  queue::ContentReader reader(request.file.get(), request.data_offset);
  CopyResult result;
  std::string buffer;
  bool at_line_start = true;
  for (;;) {
    const auto line = TRY(reader.next());
    if (!line) break;
    if (at_line_start && from_lines == FromLines::quote && line->text.starts_with("From ")) buffer += '>';
    buffer += line->text;
    if (!line->continued) buffer += '\n';
    at_line_start = !line->continued;
    if (buffer.size() >= piece) {
      TRY(sink(buffer));
      result.bytes += static_cast<std::int64_t>(buffer.size());
      buffer.clear();
    }
  }
  if (!buffer.empty()) TRY(sink(buffer));
  result.bytes += static_cast<std::int64_t>(buffer.size());
  result.ends_with_newline = at_line_start;
  return result;
}

}  // namespace delivery
