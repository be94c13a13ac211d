// proxy:TYPE:NAME: a table that proxymap(8) opens and reads for us.

#include <fmt/core.h>

#include "lib/io/netstring.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/proxymap.h"
#include "lib/maps/registry.h"

namespace maps {
namespace {

class ProxyTable final : public Table {
 public:
  ProxyTable(const OpenRequest& request, bool fixed_keys)
      : Table(request.full_name()),
        services_(*request.tables.options().services),
        socket_(request.for_update ? request.tables.options().proxywrite_socket : request.tables.options().proxymap_socket),
        inner_(request.name),
        flags_(request.flags),
        fixed_keys_(fixed_keys) {}

  Result<Found> lookup(std::string_view key) override {
    ipc::TableAnswer answer = TRY(ask(ipc::TableOperation::lookup, key, {}));
    if (answer.status == ipc::TableStatus::not_found) return Found{};
    if (answer.status != ipc::TableStatus::ok) return failure(answer);
    return Found(std::move(answer.value));
  }
  [[nodiscard]] bool has_fixed_keys() const override { return fixed_keys_; }
  Result<void> ready() override {
    const ipc::TableAnswer answer = TRY(ask(ipc::TableOperation::open, {}, {}));
    if (answer.status != ipc::TableStatus::ok) return failure(answer);
    return {};
  }
  Result<void> put(std::string_view key, std::string_view value) override {
    const ipc::TableAnswer answer = TRY(ask(ipc::TableOperation::put, key, value));
    if (answer.status != ipc::TableStatus::ok) return failure(answer);
    return {};
  }
  Result<bool> erase(std::string_view key) override {
    const ipc::TableAnswer answer = TRY(ask(ipc::TableOperation::erase, key, {}));
    if (answer.status == ipc::TableStatus::not_found) return false;
    if (answer.status != ipc::TableStatus::ok) return failure(answer);
    return true;
  }
  // As many at a time as the other side gives.
  Result<bool> walk(std::string_view after, std::size_t /*limit*/, const Visitor& visit) override {
    const ipc::TableAnswer answer = TRY(ask(ipc::TableOperation::walk, after, {}));
    if (answer.status != ipc::TableStatus::ok && answer.status != ipc::TableStatus::not_found) return failure(answer);
    for (std::string_view rest = answer.value; !rest.empty();) {
      const auto key = io::take_netstring(rest);
      const auto value = key ? io::take_netstring(rest) : std::nullopt;
      if (!value) return base::fail(fmt::format("{}: a malformed answer", name()));
      visit(*key, *value);
    }
    return answer.status == ipc::TableStatus::ok;
  }

 private:
  Result<ipc::TableAnswer> ask(ipc::TableOperation operation, std::string_view key, std::string_view value) {
    ipc::TableRequest request{operation, inner_, static_cast<unsigned>(flags_), std::string(key), std::string(value)};
    // A NUL would end the value on the way: such a key is in no table.
    if (request.key.contains('\0')) return ipc::TableAnswer{ipc::TableStatus::not_found, {}};
    return services_.ask_at<ipc::AskTable>(socket_, request);
  }

  [[nodiscard]] base::Failure failure(const ipc::TableAnswer& answer) const {
    switch (answer.status) {
      case ipc::TableStatus::denied:
        return base::fail(fmt::format("{} service is not configured for table \"{}\"", service_name(), inner_));
      case ipc::TableStatus::invalid:
        return base::fail(fmt::format("{} open failed for table \"{}\": invalid request", service_name(), inner_));
      case ipc::TableStatus::ok:
      case ipc::TableStatus::not_found:
      case ipc::TableStatus::failed: break;
    }
    return base::fail(answer.value.empty() ? "table lookup problem" : answer.value);
  }
  [[nodiscard]] std::string_view service_name() const { return std::string_view(socket_).substr(socket_.rfind('/') + 1); }

  ipc::Connections& services_;
  std::string socket_;
  std::string inner_;
  Flags flags_;
  bool fixed_keys_;
};

}  // namespace

OpenResult open_proxy(const OpenRequest& request) {
  if (request.tables.options().services == nullptr) return base::fail(fmt::format("{}: this program cannot ask proxymap", request.full_name()));
  const Type* const inner = find_type(request.name.substr(0, request.name.find(':')));
  return std::make_shared<ProxyTable>(request, inner == nullptr || inner->fixed_keys);
}

}  // namespace maps
