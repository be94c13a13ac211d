#pragma once
// A message's way through a content filter that stands in front of the queue (smtpd_proxy_filter): the filter hears the
// client's own commands and the content, and what it says at the end is what the client hears. It has the message then, or
// nobody has. One that is destroyed before is broken off, which no filter takes for the end.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/smtp/features.h"
#include "lib/smtp/wire.h"
#include "smtpd/filter_connection.h"
#include "smtpd/intake.h"

namespace smtpd {

// What it is told of the client by XFORWARD, where it wants to know; what is empty is not known.
struct FilteredClient {
  std::string name, address, port, helo, ident, protocol, source;
};

class FilterIntake final : public Intake {
 public:
  FilterIntake(const FilterSetup& setup, FilteredClient client) : setup_(setup), client_(std::move(client)) {}

  // Connects and introduces the client, unless the filter is to wait. The refusal where that fails.
  [[nodiscard]] std::optional<Reply> begin();

  // There is none: it is the filter who has the message queued.
  [[nodiscard]] const std::string& queue_id() const override { return no_id_; }
  void add(queue::RecordType type, std::string_view data, Deadline deadline) override;
  void add_attribute(std::string_view, std::string_view, Deadline) override {}
  [[nodiscard]] std::optional<Reply> pass_on(std::string_view command, Wanted wanted) override;
  [[nodiscard]] Result<ipc::MessageClosed> finish(Deadline deadline) override;

 private:
  struct Command {
    std::string text;
    Wanted wanted;
  };
  [[nodiscard]] std::optional<Reply> connect();
  [[nodiscard]] std::optional<Reply> forward_client(const smtp::Features& features);
  [[nodiscard]] std::optional<Reply> say(std::string_view command, Wanted wanted);
  // To the filter that has waited. The refusal that ends it.
  [[nodiscard]] std::optional<Reply> tell_all();

  const FilterSetup& setup_;
  FilteredClient client_;
  std::string no_id_;
  std::unique_ptr<FilterConnection> connection_;
  smtp::WireWriter wire_{0};
  bool is_content_ = false;           // what is added now
  std::string line_;                  // scratch
  std::vector<Command> commands_;     // for a filter that waits
  std::string content_;               // the same, as it goes over the wire
};

}  // namespace smtpd
