#pragma once
// What is known of every main.cf parameter: the table that build-aux/params.py makes of all .params files. It is static
// read-only data without relocations, sorted by name, so that it costs a starting program nothing.

#include <cstdint>
#include <span>
#include <string_view>

namespace config {

// How a value is read. All but `raw` are $-expanded first; a raw value is expanded where it is used, with macros that
// only its user knows.
enum class Type : std::uint8_t { boolean, integer, long_integer, time, string, raw };

// Texts of all records, one behind the other.
extern const char* const record_text;

// One parameter. For a service pattern ("*_destination_recipient_limit") the name is the part after the service's name.
struct Record {
  std::uint32_t name_at, default_at, users_at, obsolete_at;
  std::uint16_t name_size, default_size, users_size, obsolete_size;
  Type type;
  bool is_legacy;         // an old name: the default of the name that replaced it refers to it
  bool computed;          // the default is found at run time; see computed.h
  bool is_list;           // a list of tables, names or restrictions
  char unit;              // the unit of a bare number of a time: s m h d w
  std::int64_t min, max;  // of numbers and seconds; of strings the length. A max of 0 is no limit

  [[nodiscard]] std::string_view name() const { return {record_text + name_at, name_size}; }
  // As written in main.cf: not expanded.
  [[nodiscard]] std::string_view default_text() const { return {record_text + default_at, default_size}; }
  // Programs that read it, separated by ", ".
  [[nodiscard]] std::string_view users() const { return {record_text + users_at, users_size}; }
  // What to use instead of a name that is on its way out; empty for the others.
  [[nodiscard]] std::string_view obsolete() const { return {record_text + obsolete_at, obsolete_size}; }
};

// All parameters by name, in the order of bytes.
[[nodiscard]] std::span<const Record> records();

// The parameters that exist for each service of master.cf whose program is one of users(): SERVICE followed by name().
[[nodiscard]] std::span<const Record> service_records();

// None when there is no such parameter.
[[nodiscard]] const Record* find_record(std::string_view name);

// The pattern whose suffix ends `name`; the longest suffix wins.
[[nodiscard]] const Record* find_service_record(std::string_view name);

// The record or the pattern that says what values `name` may have; none for a name that nobody knows.
[[nodiscard]] const Record* limits_of(std::string_view name);

}  // namespace config
