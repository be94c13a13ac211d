#pragma once
// A message is a plain struct with one table of its fields:
//
//   struct RewriteRequest {
//     std::string rule, address;
//     static constexpr auto fields = std::tuple{Field{"rule", &RewriteRequest::rule}, Field{"address", &RewriteRequest::address}};
//   };
//
// Field types: std::string, integers, bool, scoped enums (as their number), std::chrono::seconds, Stamp (microseconds
// since the epoch), a nested struct with fields, std::vector of such a struct or of std::string (its count, then the
// items), and Fd (an empty value here, the descriptor by SCM_RIGHTS).

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "lib/base/ascii.h"
#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/io/stream.h"

namespace ipc {

template <class Struct, class Value>
struct Field {
  const char* name;
  Value Struct::*member;
};
template <class Struct, class Value>
Field(const char*, Value Struct::*) -> Field<Struct, Value>;

template <class T>
concept Message = requires { T::fields; };

inline constexpr std::size_t name_limit = 100;          // bytes in a field's name
inline constexpr std::size_t value_limit = 64 * 1024;   // bytes in one value
inline constexpr std::size_t list_limit = 50'000;       // items in one list

// The message of the error when the peer closed between two messages: the regular end of a conversation.
inline constexpr std::string_view end_of_stream = "end of stream";

// Writes to a stream (buffered; the caller flushes, or reads the answer).
class Encoder {
 public:
  Encoder(io::Stream& stream, Deadline deadline) : stream_(stream), deadline_(deadline) {}

  template <Message T>
  void message(const T& value) {
    text_.reserve(usual_size);
    body(value);
    text_.push_back('\0');  // an empty name ends the message
    pass_on();
  }

 private:
  static constexpr std::size_t usual_size = 512;
  static constexpr std::size_t chunk_size = 16 * 1024;  // of a long message

  void pass_on();
  void attribute(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value);

  template <Message T>
  void body(const T& value) {
    std::apply([&](const auto&... field) { (item(field.name, value.*(field.member)), ...); }, T::fields);
  }
  void item(const char* name, const std::string& value) { attribute(name, value); }
  void item(const char* name, std::chrono::seconds value) { number(name, value.count()); }
  void item(const char* name, Stamp value) {
    number(name, std::chrono::duration_cast<std::chrono::microseconds>(value.time_since_epoch()).count());
  }
  void item(const char* name, const Fd& value) {
    stream_.send_fd(value);  // first: it must not arrive after its attribute
    attribute(name, "");
  }
  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  void item(const char* name, T value) {
    number(name, static_cast<std::int64_t>(value));
  }
  template <Message T>
  void item(const char*, const T& value) {
    body(value);
  }
  template <class T>
  void item(const char* name, const std::vector<T>& list) {
    number(name, static_cast<std::int64_t>(list.size()));
    for (const T& entry : list) item(name, entry);
  }

  io::Stream& stream_;
  Deadline deadline_;
  std::string text_;
};

// Reads one message, field by field in the declared order.
class Decoder {
 public:
  Decoder(io::Stream& stream, Deadline deadline) : stream_(stream), deadline_(deadline) {}

  template <Message T>
  [[nodiscard]] Result<T> message() {
    T value{};
    TRY(body(value));
    TRY(end());
    return value;
  }

 private:
  // The value lives until the next one is read.
  Result<std::string_view> attribute(std::string_view name);
  std::optional<std::string_view> attribute_at_hand(std::string_view name);
  Result<std::int64_t> number(std::string_view name);
  Result<void> end();
  Result<Fd> descriptor(std::string_view name);

  template <Message T>
  Result<void> body(T& value) {
    Result<void> result;
    std::apply(
        [&](const auto&... field) {
          static_cast<void>(((result = item(field.name, value.*(field.member)), result.has_value()) && ...));
        },
        T::fields);
    return result;
  }
  Result<void> item(const char* name, std::string& value) {
    value.assign(TRY(attribute(name)));
    return {};
  }
  Result<void> item(const char* name, std::chrono::seconds& value) {
    value = std::chrono::seconds(TRY(number(name)));
    return {};
  }
  Result<void> item(const char* name, Stamp& value) {
    value = Stamp(std::chrono::microseconds(TRY(number(name))));
    return {};
  }
  Result<void> item(const char* name, Fd& value) {
    value = TRY(descriptor(name));
    return {};
  }
  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  Result<void> item(const char* name, T& value) {
    const std::int64_t read = TRY(number(name));
    value = static_cast<T>(read);
    if (static_cast<std::int64_t>(value) != read) return base::fail(std::string("value out of range: ") + name);
    return {};
  }
  template <Message T>
  Result<void> item(const char*, T& value) {
    return body(value);
  }
  template <class T>
  Result<void> item(const char* name, std::vector<T>& list) {
    const std::int64_t count = TRY(number(name));
    if (count < 0 || static_cast<std::size_t>(count) > list_limit) return base::fail(std::string("list too long: ") + name);
    for (std::int64_t i = 0; i < count; ++i) {
      T entry{};
      TRY(item(name, entry));
      list.push_back(std::move(entry));
    }
    return {};
  }

  io::Stream& stream_;
  Deadline deadline_;
  bool first_ = true;  // nothing of the message has come yet
};

// One message out, buffered.
template <Message T>
void send(io::Stream& stream, const T& value, Deadline deadline) {
  Encoder(stream, deadline).message(value);
}

// One message in. An error whose message is end_of_stream: the peer closed between two messages.
template <Message T>
[[nodiscard]] Result<T> receive(io::Stream& stream, Deadline deadline) {
  return Decoder(stream, deadline).message<T>();
}

}  // namespace ipc
