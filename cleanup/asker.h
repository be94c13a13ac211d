#pragma once
// The answers that the steps need, from trivial-rewrite and from virtual_alias_maps. One per process: connections and
// recent answers are shared by its sessions.

#include <memory>
#include <string>

#include "cleanup/addresses.h"
#include "lib/ipc/addresses.h"
#include "lib/maps/table.h"

namespace cleanup {

class Asker final : public Addresses {
 public:
  struct Options {
    std::string recipient_delimiter;
    std::string myorigin;
  };
  // `local_domains` is mydestination. All are kept.
  Asker(ipc::Addresses addresses, maps::Maps aliases, maps::MatchList local_domains, Options options)
      : addresses_(std::move(addresses)),
        aliases_(std::move(aliases)),
        local_domains_(std::move(local_domains)),
        options_(std::move(options)) {}

  Result<std::string> rewrite(Context context, const std::string& external) override;
  Result<std::optional<Alias>> alias(const std::string& internal) override;

 private:
  [[nodiscard]] bool is_local_domain(std::string_view domain) const;

  ipc::Addresses addresses_;
  maps::Maps aliases_;
  maps::MatchList local_domains_;
  Options options_;
};

}  // namespace cleanup
