#include <fmt/core.h>

#include "lib/io/netstring.h"
#include "lib/log/log.h"
#include "services/proxymap/service.h"

namespace proxymap {
namespace {

using ipc::TableAnswer;
using ipc::TableOperation;
using ipc::TableStatus;

// What an asker may choose; how a table is opened beyond that is our decision. That we ask nobody else is one of it.
constexpr unsigned flags_of_askers =
    static_cast<unsigned>(maps::Flags::fold_keys | maps::Flags::utf8 | maps::Flags::no_substitution);

maps::Flags flags_of(const ipc::TableRequest& request) {
  return static_cast<maps::Flags>(request.flags & flags_of_askers) | maps::Flags::no_proxy;
}

constexpr std::size_t walk_step = 10;  // entries of one answer

// Logged here, where the cause is known; the asker hears that it failed, and why.
TableAnswer failed(std::string_view table, const base::Error& error) {
  maillog::warning("table {}: {}", table, error.message());
  return {TableStatus::failed, error.message()};
}

}  // namespace

bool Answers::is_approved(const std::string& table) const {
  if (approved_.contains(table)) return true;
  maillog::warning("request for unapproved table: \"{}\"", table);
  const bool reads = access_ == Access::read;
  maillog::warning("to approve this table for {} access, list proxy:{} in main.cf:{}", reads ? "read-only" : "read-write", table,
                   reads ? "proxy_read_maps" : "proxy_write_maps");
  return false;
}

Result<std::shared_ptr<maps::Table>> Answers::table_of(const ipc::TableRequest& request) {
  const maps::Flags flags = flags_of(request);
  const std::string key = fmt::format("{} {}", request.table, static_cast<unsigned>(flags));
  if (const auto found = open_.find(key); found != open_.end()) return found->second;
  auto table = TRY(access_ == Access::read ? tables_->open(request.table, flags) : tables_->open_for_update(request.table, flags));
  open_[key] = table;
  return table;
}

TableAnswer Answers::answer(const ipc::TableRequest& request) {
  if (!request.table.contains(':')) return {TableStatus::invalid, ""};
  if (!is_approved(request.table)) return {TableStatus::denied, ""};
  auto table = table_of(request);
  if (!table) return failed(request.table, table.error());
  switch (request.operation) {
    case TableOperation::open:
      if (auto ready = (*table)->ready(); !ready) return failed(request.table, ready.error());
      return {TableStatus::ok, ""};
    case TableOperation::lookup: return lookup(**table, request);
    case TableOperation::put:
    case TableOperation::erase: return change(**table, request);
    case TableOperation::walk: return walk(**table, request);
  }
  return {TableStatus::invalid, ""};
}

TableAnswer Answers::lookup(maps::Table& table, const ipc::TableRequest& request) {
  auto found = table.lookup(request.key);
  if (!found) return failed(request.table, found.error());
  if (!*found) return {TableStatus::not_found, ""};
  return {TableStatus::ok, std::move(**found)};
}

// A few entries, which fit into one answer unless they are enormous.
TableAnswer Answers::walk(maps::Table& table, const ipc::TableRequest& request) {
  if (access_ == Access::read) return {TableStatus::denied, ""};
  TableAnswer answer;
  auto more = table.walk(request.key, walk_step, [&answer](std::string_view key, std::string_view value) {
    io::append_netstring(answer.value, key);
    io::append_netstring(answer.value, value);
  });
  if (!more) return failed(request.table, more.error());
  answer.status = *more ? TableStatus::ok : TableStatus::not_found;
  return answer;
}

TableAnswer Answers::change(maps::Table& table, const ipc::TableRequest& request) {
  if (access_ == Access::read) {
    maillog::warning("refusing {} request on the read-only proxy service for table \"{}\"",
                     request.operation == TableOperation::put ? "update" : "delete", request.table);
    return {TableStatus::denied, ""};
  }
  if (request.operation == TableOperation::put) {
    if (auto done = table.put(request.key, request.value); !done) return failed(request.table, done.error());
    return {TableStatus::ok, ""};
  }
  auto erased = table.erase(request.key);
  if (!erased) return failed(request.table, erased.error());
  return {*erased ? TableStatus::ok : TableStatus::not_found, ""};
}

}  // namespace proxymap
