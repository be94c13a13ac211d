#include "smtp/outgoing.h"

namespace smtp {

Outgoing::Outgoing(const ContentCheckMaps& checks, const GenericMaps& generic, const std::string& queue_id, Options options)
    : wire_(options.line_length_limit) {
  if (!checks.empty()) checks_.emplace(checks, queue_id);
  if (!generic.empty()) generic_.emplace(generic);
  if (options.to_7bit) downgrade_.emplace();
}

void Outgoing::write(std::string_view piece, bool ends_line) {
  if (!checks_) return map(piece, ends_line);
  checks_->write(piece, ends_line, checked_);
  map_checked();
}

void Outgoing::finish() {
  if (checks_) checks_->finish(checked_);
  map_checked();
  if (generic_) generic_->finish(mapped_);
  convert_mapped();
  if (downgrade_) downgrade_->finish(converted_);
  send_converted();
  wire_.finish(bytes_);
}

void Outgoing::map(std::string_view piece, bool ends_line) {
  if (!generic_) return convert(piece, ends_line);
  generic_->write(piece, ends_line, mapped_);
  convert_mapped();
}

void Outgoing::convert(std::string_view piece, bool ends_line) {
  if (!downgrade_) return wire_.write(piece, ends_line, bytes_);
  downgrade_->write(piece, ends_line, converted_);
  send_converted();
}

void Outgoing::map_checked() {
  for (const Line& line : checked_) map(line.text, line.ends_line);
  checked_.clear();
}

void Outgoing::convert_mapped() {
  for (const Line& line : mapped_) convert(line.text, line.ends_line);
  mapped_.clear();
}

void Outgoing::send_converted() {
  for (const Line& line : converted_) wire_.write(line.text, line.ends_line, bytes_);
  converted_.clear();
}

const base::Error* Outgoing::failure() const {
  if (checks_ && checks_->failure()) return &*checks_->failure();
  return generic_ && generic_->failure() ? &*generic_->failure() : nullptr;
}

}  // namespace smtp
