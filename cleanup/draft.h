#pragma once
// A message that milters may still change: its records, held back from the queue file until they have said their last word. The
// file is written then, whole and in its final form: what is in the queue has never been changed.
//
// Envelope and header are in memory, which message_size_limit and the number of recipients bound; the body is on disk.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cleanup/output.h"
#include "cleanup/spool.h"
#include "lib/base/error.h"

namespace cleanup {

class Draft final : public Output {
 public:
  // Its temporary files are in the file system of `directory`.
  [[nodiscard]] static Result<std::unique_ptr<Draft>> open(std::string directory);

  // --- As the steps see it. ---
  void put(queue::RecordType type, std::string_view data) override;
  [[nodiscard]] std::int64_t content_size() const override { return content_.size(); }
  [[nodiscard]] const std::optional<base::Error>& failure() const { return failure_; }

  // --- As the milters see it, when all of it has come. ---
  // Takes the header out of the content. Once.
  [[nodiscard]] Result<void> read_header(std::size_t field_limit);
  // Fields: "Name:value", lines joined by '\n'.
  [[nodiscard]] std::vector<std::string>& header() { return header_; }
  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
  // Gives the body in pieces of `size` bytes, lines ended by CRLF, until `take` says false.
  using TakePiece = std::function<bool(std::string_view piece)>;
  [[nodiscard]] Result<void> read_body(std::size_t size, const TakePiece& take);
  // A new body: its records.
  void replace_body(Spool body);
  [[nodiscard]] const std::string& directory() const { return directory_; }

  void change_sender(std::string_view sender);
  // "name=value" among those of the envelope.
  void set_attribute(std::string_view name, std::string_view value);
  // The recipients whose original address is this one are not delivered to. How many.
  long delete_recipient(std::string_view internal);

  // The whole message.
  [[nodiscard]] Result<void> copy_to(Output& output, std::size_t line_limit);

 private:
  Draft(std::string directory, Spool content) : directory_(std::move(directory)), content_(std::move(content)) {}

  struct Record {
    queue::RecordType type;
    std::string data;
  };
  [[nodiscard]] static long delete_from(std::vector<Record>& records, std::string_view internal);

  enum class Part { envelope, content, extracted };

  std::string directory_;
  std::vector<Record> envelope_, extracted_;   // with M, and with X
  Spool content_;
  Part part_ = Part::envelope;
  std::vector<std::string> header_;
  std::int64_t body_offset_ = 0;               // in content_
  bool has_separator_ = false;                 // an empty line ends the header
  std::optional<Spool> body_;                  // in place of what content_ has
  std::optional<base::Error> failure_;
};

// The field that we have put on top of a message, which milters do not see: where it is now, or npos.
[[nodiscard]] std::size_t own_received(const std::vector<std::string>& header);

}  // namespace cleanup
