#pragma once
// A message of a local user, in maildrop/. The one place where it becomes durable; the order is: create (0644), give it
// the name, write, mode 0744 (complete: pickup(8) takes only such files), fsync the file, make the name durable. What
// fails before leaves nothing.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/queue/id.h"
#include "lib/queue/record.h"

namespace postdrop {

class MaildropFile {
 public:
  // In maildrop/ of the working directory. `size_limit` bounds the file's bytes; 0: no limit.
  static Result<MaildropFile> create(queue::IdForm form, const base::Clock& clock, std::int64_t size_limit);
  MaildropFile(MaildropFile&& other) noexcept;
  MaildropFile& operator=(MaildropFile&&) = delete;
  // Removes the file unless commit() has succeeded.
  ~MaildropFile();

  [[nodiscard]] const queue::QueueId& id() const { return id_; }

  // Error EFBIG over the limit.
  [[nodiscard]] Result<void> add(queue::RecordType type, std::string_view data);
  [[nodiscard]] Result<void> commit() &&;

 private:
  MaildropFile(Fd file, queue::QueueId id, std::int64_t size_limit)
      : file_(std::move(file)), id_(std::move(id)), size_limit_(size_limit) {}
  [[nodiscard]] std::string path() const { return "maildrop/" + id_.text(); }
  [[nodiscard]] Result<void> write_out();

  Fd file_;
  queue::QueueId id_;
  std::int64_t size_limit_;
  std::int64_t written_ = 0;
  std::string buffer_;
  bool abandoned_ = true;
};

}  // namespace postdrop
