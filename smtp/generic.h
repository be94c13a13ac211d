#pragma once
// smtp_generic_maps: addresses that only this machine knows get a form that is valid elsewhere, in the envelope and in the
// header, as the message goes out. What waits in the queue, bounces and the log keep the address as it is here.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/mail/address.h"
#include "lib/mail/downgrade.h"
#include "lib/mail/header_block.h"
#include "lib/mail/mapped_addresses.h"
#include "lib/maps/table.h"

namespace smtp {

class GenericMaps {
 public:
  struct Options {
    mail::Delimiters delimiters;
    std::string myorigin;
    bool propagates = false;              // "generic" in propagate_unmatched_extensions
    std::size_t header_size_limit = 102400, header_address_token_limit = 10240;
  };
  GenericMaps() = default;
  // `local_domains` is mydestination; `complete` puts what a table says into canonical form, and may park.
  GenericMaps(maps::Maps maps, maps::MatchList local_domains, mail::CompleteAddress complete, Options options)
      : maps_(std::move(maps)),
        local_domains_(std::move(local_domains)),
        complete_(std::move(complete)),
        options_(std::move(options)) {}

  [[nodiscard]] bool empty() const { return maps_.empty(); }
  [[nodiscard]] const Options& options() const { return options_; }
  // Internal form in and out; one step, the result is not looked up again.
  [[nodiscard]] Result<std::string> map(const std::string& internal) const;

 private:
  [[nodiscard]] bool is_local_domain(std::string_view domain) const;

  maps::Maps maps_;
  maps::MatchList local_domains_;
  mail::CompleteAddress complete_;
  Options options_;
};

// The content of a message on its way out: addresses of the first header are mapped, everything else passes unchanged.
class GenericHeader final : private mail::HeaderBlock::Handler {
 public:
  using Line = mail::Downgrade::Line;
  explicit GenericHeader(const GenericMaps& maps) : maps_(maps), header_(maps.options().header_size_limit, *this) {}

  // The next piece of a line; what is to be sent for it is added to `out`.
  void write(std::string_view piece, bool ends_line, std::vector<Line>& out);
  // After the last line.
  void finish(std::vector<Line>& out);
  // A table could not be asked: what has been passed on must not be completed.
  [[nodiscard]] const std::optional<base::Error>& failure() const { return failure_; }

 private:
  void field(std::string_view text) override;
  void end_of_header(mail::HeaderBlock::End end, std::string_view line, bool is_whole) override;
  [[nodiscard]] Result<std::string> mapped(std::string_view text) const;

  const GenericMaps& maps_;
  mail::HeaderBlock header_;
  std::vector<Line>* out_ = nullptr;  // of the call under way
  std::optional<base::Error> failure_;
};

}  // namespace smtp
