#pragma once
// A conversation with the filter in front of the queue, as its client. What goes wrong is logged here, once; after that the
// connection is of no use any more.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/io/stream.h"
#include "lib/smtp/reply.h"
#include "smtpd/filter_setup.h"
#include "smtpd/reply.h"

namespace smtpd {

// A reply in one piece: each line with its code, CR LF between them.
[[nodiscard]] std::string whole_text(const Reply& reply);

class FilterConnection {
 public:
  // Null: nobody is there.
  [[nodiscard]] static std::unique_ptr<FilterConnection> open(const FilterSetup& setup);
  FilterConnection(const FilterSetup& setup, io::Stream stream) : setup_(setup), stream_(std::move(stream)) {}
  FilterConnection(const FilterConnection&) = delete;
  FilterConnection& operator=(const FilterConnection&) = delete;
  // Says QUIT, unless the filter would take that for content.
  ~FilterConnection();

  // The next reply; none where the connection is broken.
  [[nodiscard]] std::optional<smtp::ServerReply> reply();
  [[nodiscard]] std::optional<smtp::ServerReply> ask(std::string_view command);
  // Says in the log that the filter does not want what it was told.
  void log_rejected(std::string_view command, const smtp::ServerReply& reply) const;

  // Between DATA and the reply to the content.
  void begin_content() { is_in_content_ = true; }
  // Lines as they go over the wire.
  void write(std::string_view bytes);
  // The end of the content, and what the filter says to it.
  [[nodiscard]] std::optional<smtp::ServerReply> end_content();

 private:
  [[nodiscard]] Deadline deadline() const { return base::after(setup_.timeout); }
  void break_off(bool is_late);

  const FilterSetup& setup_;
  io::Stream stream_;
  bool is_broken_ = false;
  bool is_in_content_ = false;
};

// As the client hears it.
[[nodiscard]] Reply reply_of(const smtp::ServerReply& said);

}  // namespace smtpd
