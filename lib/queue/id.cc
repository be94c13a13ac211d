#include "lib/queue/id.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace queue {
namespace {

constexpr std::size_t id_limit = 100;
constexpr std::size_t usec_hex_digits = 5;
constexpr std::size_t seconds_digits = 6;
constexpr std::size_t usec_digits = 4;
constexpr char inode_separator = 'z';
constexpr std::string_view digits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
constexpr std::uint64_t time_base = digits.size();       // 52
constexpr std::uint64_t inode_base = digits.size() - 1;  // 51: without the 'z' that separates
static_assert(time_base == 52 && digits.back() == inode_separator);

std::string encode(std::uint64_t value, std::uint64_t base, std::size_t width) {
  std::string out;
  do {
    out += digits[value % base];
    value /= base;
  } while (value != 0);
  while (out.size() < width) out += digits[0];
  std::ranges::reverse(out);
  return out;
}

std::uint64_t decode(std::string_view text, std::uint64_t base) {
  std::uint64_t value = 0;
  for (const char c : text) value = value * base + digits.find(c);
  return value;
}

bool is_short(std::string_view text) {
  return text.size() > usec_hex_digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
}

bool is_long(std::string_view text) {
  const std::size_t z = text.rfind(inode_separator);
  return z != std::string_view::npos && z >= seconds_digits + usec_digits && z + 1 < text.size() &&
         std::ranges::all_of(text, [](char c) { return digits.contains(c); });
}

}  // namespace

bool is_safe_name(std::string_view text) {
  return !text.empty() && text.size() <= id_limit && std::ranges::all_of(text, [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

std::optional<QueueId> QueueId::parse(std::string_view text) {
  if (text.size() > id_limit) return std::nullopt;
  if (is_short(text)) return QueueId(std::string(text), IdForm::short_form);
  if (is_long(text)) return QueueId(std::string(text), IdForm::long_form);
  return std::nullopt;
}

QueueId QueueId::make(IdForm form, Stamp stamp, std::uint64_t inode) {
  using Micros = std::chrono::microseconds;
  const auto since_epoch = std::max(std::chrono::duration_cast<Micros>(stamp.time_since_epoch()), Micros(0));
  const auto seconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count());
  const auto usec = static_cast<std::uint64_t>(since_epoch.count() % 1'000'000);
  if (form == IdForm::short_form) return QueueId(fmt::format("{:05X}{:X}", usec, inode), form);
  return QueueId(encode(seconds, time_base, seconds_digits) + encode(usec, time_base, usec_digits) + inode_separator +
                     encode(inode, inode_base, 1),
                 form);
}

QueueId QueueId::with_inode(std::uint64_t inode) const {
  if (form_ == IdForm::short_form) return QueueId(fmt::format("{}{:X}", text_.substr(0, usec_hex_digits), inode), form_);
  return QueueId(text_.substr(0, text_.rfind(inode_separator) + 1) + encode(inode, inode_base, 1), form_);
}

std::uint64_t QueueId::inode() const {
  if (form_ == IdForm::long_form) return decode(std::string_view(text_).substr(text_.rfind(inode_separator) + 1), inode_base);
  std::uint64_t value = 0;
  std::from_chars(text_.data() + usec_hex_digits, text_.data() + text_.size(), value, 16);
  return value;
}

std::string QueueId::hash_path(int depth) const {
  std::string spread = text_;
  if (form_ == IdForm::long_form) {
    const std::size_t z = text_.rfind(inode_separator);
    spread = fmt::format("{:05X}", decode(std::string_view(text_).substr(z - usec_digits, usec_digits), time_base));
  }
  std::string out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(depth); ++i) {
    out += i < spread.size() ? spread[i] : '_';
    out += '/';
  }
  return out;
}

}  // namespace queue
