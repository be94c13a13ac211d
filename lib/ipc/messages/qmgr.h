#pragma once
// What is written to public/$queue_service_name, as bytes without an answer:
//   "W" wakeup, "I" scan incoming, "D" scan deferred, "A" ignore time stamps, "F" flush dead destinations: as in Postfix;
//   "N" queue-id NUL: cleanup's notice that this message is complete in incoming/, which saves the scan;
//   "T" queue-id NUL: try this deferred message now (postqueue -i).

namespace ipc {

enum class QmgrTrigger : char {
  wakeup = 'W',
  scan_incoming = 'I',
  scan_deferred = 'D',
  scan_all = 'A',
  flush_dead = 'F',
  notice = 'N',
  try_now = 'T',
};

}  // namespace ipc
