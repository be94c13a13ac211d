#pragma once
// Writing a new queue file: the one place where a message becomes durable. The order is create (0600), write, E record,
// mode 0700, then fsync of the file and of its directory; only when both have succeeded the id may be
// acknowledged. Whatever fails before leaves no file behind: an Error, and the destructor unlinks.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/queue/id.h"
#include "lib/queue/layout.h"
#include "lib/queue/record.h"
#include "lib/queue/sync_rounds.h"

namespace queue {

class IncomingFile;

// The directory where messages come in. A process opens it once; the files share its directory fsyncs and must not
// outlive it.
class IncomingDirectory {
 public:
  [[nodiscard]] static Result<std::unique_ptr<IncomingDirectory>> open(const Layout& layout, IdForm form,
                                                                       const base::Clock& clock);
  IncomingDirectory(const IncomingDirectory&) = delete;
  IncomingDirectory& operator=(const IncomingDirectory&) = delete;

  // A new file with an id that no message in the queue has. Errors keep the errno: ENOSPC, EDQUOT and EIO are the ones
  // to expect.
  [[nodiscard]] Result<IncomingFile> create();

  // What has become of a file whose process has died before it could tell. True: it was complete, and is on disk now. False: it
  // was not, and what there was of it is gone; or it is not there any more (which may mean that it has been delivered). An
  // Error with code EAGAIN: its process lives.
  [[nodiscard]] Result<bool> recover(const QueueId& id);

 private:
  friend class IncomingFile;
  IncomingDirectory(const Layout& layout, IdForm form, const base::Clock& clock, Fd incoming, Fd hold);

  [[nodiscard]] Result<std::pair<std::string, Fd>> create_temporary() const;
  [[nodiscard]] Result<QueueId> give_name(const std::string& temporary, std::uint64_t inode);
  // The name of this file is on disk when it succeeds.
  [[nodiscard]] Result<void> sync_name(Queue queue, const QueueId& id);

  Layout layout_;
  IdForm form_;
  const base::Clock& clock_;
  Fd incoming_fd_, hold_fd_;
  SyncRounds incoming_, hold_;
  int files_ = 0;  // that are being written
};

// Where a complete message goes first. `hold`: a rule said HOLD, or a milter quarantined it.
enum class FirstQueue { incoming, hold };

class IncomingFile {
 public:
  IncomingFile(IncomingFile&& other) noexcept;
  IncomingFile& operator=(IncomingFile&&) = delete;
  // Abandons: the file is removed unless commit() has succeeded.
  ~IncomingFile();

  [[nodiscard]] const QueueId& id() const { return id_; }

  // Appends a record. The first record, C, is written by create() and filled in by commit(). M, X and R records are
  // counted for it as they pass.
  [[nodiscard]] Result<void> add(RecordType type, std::string_view data);
  // "name=value" in an A record.
  [[nodiscard]] Result<void> add_attribute(std::string_view name, std::string_view value);

  // Where the next record will be.
  [[nodiscard]] std::int64_t offset() const { return written_ + static_cast<std::int64_t>(buffer_.size()); }
  // Bytes of content records so far, as message_size_limit counts them.
  [[nodiscard]] std::int64_t content_size() const;

  // The last two numbers of the C record: the NOTIFY bits of all recipients, shifted by one, and whether SMTPUTF8 was
  // asked for.
  void set_queue_flags(int flags) { queue_flags_ = flags; }
  void set_send_options(int options) { send_options_ = options; }

  // Writes the E record and makes the message durable; the file lock is held until that is so. After an error the file
  // is gone. A failed fsync is not tried again: what is on disk is then unknown.
  [[nodiscard]] Result<QueueId> commit(FirstQueue queue = FirstQueue::incoming) &&;

 private:
  friend class IncomingDirectory;
  IncomingFile(IncomingDirectory& directory, Fd file, QueueId id);

  [[nodiscard]] Result<void> write_out();
  [[nodiscard]] Result<void> make_durable();
  [[nodiscard]] std::string size_record() const;

  IncomingDirectory* directory_;
  Fd file_;
  QueueId id_;
  Queue queue_ = Queue::incoming;
  bool abandoned_ = true;   // the destructor removes the file
  std::string buffer_;      // not yet written
  std::int64_t written_ = 0;
  std::int64_t content_start_ = 0, content_end_ = 0;
  std::int64_t recipients_ = 0;
  int queue_flags_ = 0, send_options_ = 0;
};

}  // namespace queue
