#pragma once
// Programs that cannot or should not open a table themselves ask proxymap(8), which opens each once for all of them;
// tables that are caches are changed by way of proxywrite, the same program under another name.

#include "lib/ipc/message.h"

namespace ipc {

enum class TableOperation {
  open,    // may I use this table, and can it be opened?
  lookup,
  put,     // proxywrite only, as is erase
  erase,
  walk,    // proxywrite only: entries after that of the key, as netstrings in `value`: key, value, key, value...
};

struct TableRequest {
  TableOperation operation = TableOperation::lookup;
  std::string table;   // "type:name", without "proxy:"
  unsigned flags = 0;  // maps::Flags
  std::string key, value;
  static constexpr auto fields = std::tuple{Field{"request", &TableRequest::operation}, Field{"table", &TableRequest::table},
                                            Field{"flags", &TableRequest::flags}, Field{"key", &TableRequest::key},
                                            Field{"value", &TableRequest::value}};
};

enum class TableStatus {
  ok,         // lookup: found; walk: there are more
  not_found,  // walk: these are the last
  failed,     // try again later; `value` is the reason
  invalid,    // the request makes no sense
  denied,     // the table is not in proxy_read_maps (proxy_write_maps)
};

struct TableAnswer {
  TableStatus status = TableStatus::failed;
  std::string value;   // of the key, or a reason
  static constexpr auto fields = std::tuple{Field{"status", &TableAnswer::status}, Field{"value", &TableAnswer::value}};
};

// The socket is that of the service, private/proxymap or private/proxywrite (ask_at).
struct AskTable {
  using Request = TableRequest;
  using Answer = TableAnswer;
  static constexpr std::string_view socket = "private/proxymap";
  static constexpr std::chrono::seconds timeout{100};
};

}  // namespace ipc
