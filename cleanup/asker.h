#pragma once
// The answers that the steps need, from trivial-rewrite and from tables. One per process: connections and
// recent answers are shared by its sessions.

#include <array>
#include <memory>
#include <string>

#include "cleanup/addresses.h"
#include "lib/ipc/addresses.h"
#include "lib/mail/address.h"
#include "lib/maps/table.h"

namespace cleanup {

class Asker final : public Addresses {
 public:
  struct Options {
    mail::Delimiters delimiters;
    std::string myorigin;
  };
  // What AddressTable names, in its order.
  using AddressMaps = std::array<maps::Maps, address_tables>;
  // `local_domains` is mydestination. All are kept.
  Asker(ipc::Addresses addresses, AddressMaps maps, maps::MatchList local_domains, maps::MatchList masquerade_exceptions,
        Options options)
      : addresses_(std::move(addresses)),
        maps_(std::move(maps)),
        local_domains_(std::move(local_domains)),
        masquerade_exceptions_(std::move(masquerade_exceptions)),
        options_(std::move(options)) {}

  Result<std::string> rewrite(Context context, const std::string& external) override;
  Result<std::optional<Alias>> lookup(AddressTable table, const std::string& internal) override;
  Result<bool> is_masquerade_exception(const std::string& local) override;

 private:
  [[nodiscard]] bool is_local_domain(std::string_view domain) const;

  ipc::Addresses addresses_;
  AddressMaps maps_;
  maps::MatchList local_domains_, masquerade_exceptions_;
  Options options_;
};

}  // namespace cleanup
