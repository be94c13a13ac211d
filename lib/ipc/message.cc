#include "lib/ipc/message.h"

#include <charconv>

namespace ipc {
namespace {

std::string_view how(io::End end) {
  switch (end) {
    case io::End::eof: return "connection lost within a message";
    case io::End::timeout: return "timeout";
    case io::End::too_long: return "attribute too long";
    case io::End::ok:
    case io::End::error: break;
  }
  return "connection failed";
}

}  // namespace

void Encoder::attribute(std::string_view name, std::string_view value) {
  // A NUL in a value would end it early and shift the fields: such a value is cut, the receiver sees the valid part.
  value = value.substr(0, value.find('\0'));
  text_.append(name).push_back('\0');
  text_.append(value).push_back('\0');
  if (text_.size() >= chunk_size) pass_on();
}

void Encoder::pass_on() {
  stream_.write(text_, deadline_);
  text_.clear();
}

void Encoder::number(std::string_view name, std::int64_t value) {
  std::array<char, 24> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  attribute(name, std::string_view(text.data(), static_cast<std::size_t>(end - text.data())));
}

// As most are: the whole of it is in the buffer.
std::optional<std::string_view> Decoder::attribute_at_hand(std::string_view name) {
  const std::string_view buffered = stream_.buffered();
  if (buffered.size() <= name.size() || buffered[name.size()] != '\0' || !buffered.starts_with(name)) return std::nullopt;
  const std::size_t begin = name.size() + 1;
  const std::size_t end = buffered.substr(0, begin + value_limit + 1).find('\0', begin);
  if (end == std::string_view::npos) return std::nullopt;
  return stream_.read_some(end + 1, deadline_).data.substr(begin, end - begin);
}

Result<std::string_view> Decoder::attribute(std::string_view name) {
  if (const auto value = attribute_at_hand(name)) {
    first_ = false;
    return *value;
  }
  const io::LineResult got_name = stream_.read_until('\0', deadline_, name_limit);
  if (!got_name) {
    const bool between_messages = first_ && got_name.end() == io::End::eof && got_name.text().empty();
    return base::fail(std::string(between_messages ? end_of_stream : how(got_name.end())));
  }
  first_ = false;
  if (got_name.text() != name) {
    return base::fail("expected attribute " + std::string(name) + ", got " + ascii::printable(got_name.text()));
  }
  const io::LineResult value = stream_.read_until('\0', deadline_, value_limit);
  if (!value) return base::fail(std::string(how(value.end())));
  return value.text();
}

Result<std::int64_t> Decoder::number(std::string_view name) {
  const std::string_view text = TRY(attribute(name));
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return base::fail("attribute " + std::string(name) + " is not a number: " + ascii::printable(text));
  }
  return value;
}

Result<Fd> Decoder::descriptor(std::string_view name) {
  TRY(attribute(name));
  std::optional<Fd> fd = stream_.take_fd();
  if (!fd) return base::fail("attribute " + std::string(name) + " came without its descriptor");
  return std::move(*fd);
}

Result<void> Decoder::end() {
  const io::LineResult name = stream_.read_until('\0', deadline_, name_limit);
  if (!name) return base::fail(std::string(how(name.end())));
  if (!name.text().empty()) return base::fail("unexpected attribute " + ascii::printable(name.text()));
  return {};
}

}  // namespace ipc
