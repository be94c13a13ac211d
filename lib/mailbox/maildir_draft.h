#pragma once
// A message on its way into a Maildir, whoever adds it (a delivery, or a client of IMAP): a file in tmp/ that gets its name in new/ or
// cur/ when it is whole and on disk.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/fd.h"

namespace mailbox {

// What of a base name says the message's sizes, so that nobody need look at the file: ",S=BYTES", and ",W=BYTES" with CRLF at the end
// of each line.
[[nodiscard]] std::string sizes_in_name(std::uint64_t size, std::optional<std::uint64_t> wire_size);

// Each step says 0, or the errno.
class MaildirDraft {
 public:
  MaildirDraft() = default;
  MaildirDraft(MaildirDraft&& other) noexcept;
  MaildirDraft& operator=(MaildirDraft&&) = delete;
  ~MaildirDraft();   // without a name the file goes away

  // `drafts` is tmp/, borrowed for the draft's life. EEXIST: there is such a file.
  [[nodiscard]] int create(const Fd& drafts, std::string name);
  [[nodiscard]] int write(std::string_view bytes);
  // Sees that the bytes are on disk before a name that the file is given next (and that is synced): a reader after a power cut finds
  // all of it under that name, or no such name.
  [[nodiscard]] int settle() const;
  [[nodiscard]] int close();   // what is not settled may be lost
  // Gives it its name, never in place of another file.
  [[nodiscard]] int move_to(const Fd& directory, const std::string& name);

  [[nodiscard]] const Fd& file() const { return file_; }
  // Of what has been written.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::string sizes() const { return sizes_in_name(size_, size_ + bare_lines_); }

 private:
  int drafts_ = -1;
  std::string name_;   // empty: there is no file in tmp/
  Fd file_;
  std::uint64_t size_ = 0, bare_lines_ = 0;   // that end without CR
  char last_ = '\n';
};

}  // namespace mailbox
