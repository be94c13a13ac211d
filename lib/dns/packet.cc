#include "lib/dns/packet.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>

#include <ares.h>
#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace dns {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t question_tail = 4;   // type and class after the name
constexpr std::uint16_t class_internet = 1;
constexpr std::uint16_t kind_mask = 0xf800;    // of the flags: question or answer, and the operation
constexpr std::uint16_t kind_answer = 0x8000;  // to a standard query
constexpr std::size_t name_limit = 253;        // characters of a name (RFC 1035 section 2.3.4: 255 octets with their lengths)

// As c-ares writes it, where "\." and "\ddd" are one character.
std::size_t length_of(std::string_view name) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < name.size(); ++i, ++length) {
    if (name[i] == '\\' && i + 1 < name.size()) i += ascii::is_digit(name[i + 1]) ? 3 : 1;
  }
  return length;
}

// A place in the packet; every step is checked.
class Reader {
 public:
  explicit Reader(std::string_view packet, std::size_t at = 0) : packet_(packet), at_(at) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return packet_.size() - at_; }

  Result<void> skip(std::size_t size) {
    if (size > left()) return base::fail("DNS packet ends early");
    at_ += size;
    return {};
  }
  Result<std::uint16_t> number16() {
    TRY(skip(2));
    return static_cast<std::uint16_t>((byte(at_ - 2) << 8) | byte(at_ - 1));
  }
  Result<std::uint32_t> number32() {
    const std::uint32_t high = TRY(number16());
    const std::uint32_t low = TRY(number16());
    return (high << 16) | low;
  }
  // A domain name, with c-ares' protection against compression that runs in circles. Without the final dot; "" is the root.
  Result<std::string> name() {
    char* text = nullptr;
    long size = 0;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(packet_.data());
    if (left() == 0 || ::ares_expand_name(bytes + at_, bytes, static_cast<int>(packet_.size()), &text, &size) != ARES_SUCCESS) {
      return base::fail("DNS packet with a bad name");
    }
    const std::unique_ptr<char, void (*)(void*)> owner(text, &::ares_free_string);
    TRY(skip(static_cast<std::size_t>(size)));
    std::string result(text);
    if (!result.empty() && result.back() == '.') result.pop_back();
    if (length_of(result) > name_limit) return base::fail("DNS packet with a name that is too long");
    return result;
  }

 private:
  [[nodiscard]] unsigned byte(std::size_t at) const { return static_cast<unsigned char>(packet_[at]); }
  std::string_view packet_;
  std::size_t at_;
};

struct Record {
  std::string name;
  std::uint16_t type = 0;
  std::uint16_t cls = 0;
  std::uint32_t ttl = 0;
  std::size_t data_at = 0;
  std::size_t data_size = 0;
};

Result<Record> read_record(Reader& reader) {
  Record record;
  record.name = TRY(reader.name());
  record.type = TRY(reader.number16());
  record.cls = TRY(reader.number16());
  record.ttl = TRY(reader.number32());
  record.data_size = TRY(reader.number16());
  record.data_at = reader.at();
  TRY(reader.skip(record.data_size));
  return record;
}

// The answer section's records of class IN, until enough of the wanted type were seen.
Result<std::vector<Record>> read_answers(std::string_view packet, Type type) {
  Reader reader(packet);
  TRY(reader.skip(2));  // the id: c-ares has looked at it
  if ((TRY(reader.number16()) & kind_mask) != kind_answer) return base::fail("DNS packet that is no answer");
  const std::uint16_t questions = TRY(reader.number16());
  const std::uint16_t answers = TRY(reader.number16());
  TRY(reader.skip(header_size - reader.at()));
  for (int i = 0; i < questions; ++i) {
    static_cast<void>(TRY(reader.name()));
    TRY(reader.skip(question_tail));
  }
  std::vector<Record> records;
  std::size_t wanted = 0;
  for (int i = 0; i < answers && wanted < records_limit; ++i) {
    Record record = TRY(read_record(reader));
    if (record.cls != class_internet) continue;
    if (record.type == static_cast<std::uint16_t>(type)) {
      ++wanted;
    } else if (record.type != static_cast<std::uint16_t>(Type::cname) || records.size() >= 2 * records_limit) {
      continue;
    }
    records.push_back(std::move(record));
  }
  return records;
}

// A name within a record's data: it must end where the data ends.
Result<std::string> name_in(std::string_view packet, const Record& record, std::size_t skip) {
  if (record.data_size <= skip) return base::fail("DNS record is too short");
  Reader reader(packet, record.data_at + skip);
  std::string name = TRY(reader.name());
  if (reader.at() != record.data_at + record.data_size) return base::fail("DNS record with a wrong length");
  return name;
}

Result<io::Address> address_in(std::string_view packet, const Record& record, Type type) {
  const std::size_t size = type == Type::a ? 4 : 16;
  if (record.data_size != size) return base::fail("DNS address record with a wrong length");
  sockaddr_storage storage{};
  if (type == Type::a) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, packet.data() + record.data_at, size);
    std::memcpy(&storage, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, packet.data() + record.data_at, size);
    std::memcpy(&storage, &v6, sizeof v6);
  }
  return io::Address::from(storage);
}

// The character-strings of a TXT record in a row (RFC 7208 section 3.3).
Result<std::string> text_in(std::string_view packet, const Record& record) {
  const std::string_view data = packet.substr(record.data_at, record.data_size);
  std::string text;
  for (std::size_t at = 0; at < data.size();) {
    const auto size = static_cast<unsigned char>(data[at]);
    if (size > data.size() - at - 1) return base::fail("DNS TXT record with a wrong length");
    text.append(data.substr(at + 1, size));
    at += 1U + size;
  }
  return text;
}

Result<void> add(Found& found, std::string_view packet, const Record& record, Type type) {
  switch (type) {
    case Type::a:
    case Type::aaaa: found.addresses.push_back(TRY(address_in(packet, record, type))); break;
    case Type::mx: {
      std::string host = TRY(name_in(packet, record, 2));
      const int preference = TRY(Reader(packet, record.data_at).number16());
      found.mx.push_back(Mx{preference, std::move(host)});
      break;
    }
    case Type::srv: {
      std::string host = TRY(name_in(packet, record, 6));
      Reader numbers(packet, record.data_at);
      const int priority = TRY(numbers.number16());
      const int weight = TRY(numbers.number16());
      const std::uint16_t port = TRY(numbers.number16());
      found.services.push_back(Srv{priority, weight, port, std::move(host)});
      break;
    }
    case Type::ns:
    case Type::ptr: found.texts.push_back(TRY(name_in(packet, record, 0))); break;
    case Type::txt: found.texts.push_back(TRY(text_in(packet, record))); break;
    case Type::cname: found.texts.push_back(TRY(name_in(packet, record, 0))); break;
    case Type::tlsa: found.texts.emplace_back(packet.substr(record.data_at, record.data_size)); break;
  }
  return {};
}

// The record that was added last, as a zone file has its data. For filters.
std::string last_of(const Found& found, Type type) {
  switch (type) {
    case Type::a:
    case Type::aaaa: return found.addresses.back().text();
    case Type::mx: return fmt::format("{} {}.", found.mx.back().preference, found.mx.back().host);
    case Type::srv: {
      const Srv& last = found.services.back();
      return fmt::format("{} {} {} {}.", last.priority, last.weight, last.port, last.host);
    }
    case Type::ns:
    case Type::cname:
    case Type::ptr: return found.texts.back() + ".";
    case Type::txt: return found.texts.back();
    case Type::tlsa: {
      const auto record = read_tlsa(found.texts.back());
      return record ? record->text() : std::string();
    }
  }
  return {};
}

void take_back(Found& found, Type type) {
  switch (type) {
    case Type::a:
    case Type::aaaa: return found.addresses.pop_back();
    case Type::mx: return found.mx.pop_back();
    case Type::srv: return found.services.pop_back();
    case Type::ns:
    case Type::ptr:
    case Type::cname:
    case Type::tlsa:
    case Type::txt: return found.texts.pop_back();
  }
}

}  // namespace

std::string Tlsa::text() const {
  std::string hex;
  for (const char byte : data) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return fmt::format("{} {} {} {}", usage, selector, matching, hex);
}

std::optional<Tlsa> read_tlsa(std::string_view data) {
  constexpr std::size_t numbers = 3;
  if (data.size() <= numbers) return std::nullopt;
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(data[i]); };
  return Tlsa{.usage = at(0), .selector = at(1), .matching = at(2), .data = std::string(data.substr(numbers))};
}

bool is_authenticated(std::string_view packet) {
  constexpr unsigned authentic_data = 0x20;
  return packet.size() >= header_size && (static_cast<unsigned char>(packet[3]) & authentic_data) != 0;
}

Status status_of_packet(std::string_view packet) {
  constexpr unsigned code_mask = 0x0f, no_error = 0, name_error = 3;
  if (packet.size() < header_size) return Status::garbled;
  switch (static_cast<unsigned char>(packet[3]) & code_mask) {
    case no_error: return packet[6] == 0 && packet[7] == 0 ? Status::no_data : Status::found;
    case name_error: return Status::no_domain;
    default: return Status::temporary;  // a number from outside
  }
}

Result<Found> read_packet(std::string_view packet, std::string_view name, Type type, const KeepsRecord& keeps) {
  const std::vector<Record> records = TRY(read_answers(packet, type));
  Found found;
  found.name = name;
  auto ttl = std::numeric_limits<std::uint32_t>::max();
  const auto alias_of = [&](std::string_view owner) -> const Record* {
    const auto it = std::ranges::find_if(records, [&](const Record& record) {
      return record.type == static_cast<std::uint16_t>(Type::cname) && ascii::equal_ignoring_case(record.name, owner);
    });
    return it == records.end() ? nullptr : &*it;
  };
  while (const Record* alias = type == Type::cname ? nullptr : alias_of(found.name)) {
    if (++found.aliases > alias_limit) return base::fail("too many CNAME records");
    found.name = TRY(name_in(packet, *alias, 0));
    ttl = std::min(ttl, alias->ttl);
  }
  for (const Record& record : records) {
    if (record.type != static_cast<std::uint16_t>(type) || !ascii::equal_ignoring_case(record.name, found.name)) continue;
    TRY(add(found, packet, record, type));
    if (keeps && !keeps(fmt::format("{}. {} IN {} {}", record.name, record.ttl, name_of(type), last_of(found, type)))) take_back(found, type);
    ttl = std::min(ttl, record.ttl);
  }
  found.ttl = std::chrono::seconds(ttl);
  return found;
}

}  // namespace dns
