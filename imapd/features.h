#pragma once
// What the client has switched on, by ENABLE or by using it.

namespace imapd {

struct Features {
  bool condstore = false;   // RFC 7162: MODSEQ in FETCH responses
  bool qresync = false;     // VANISHED in place of EXPUNGE
  bool utf8 = false;        // RFC 6855: names and search texts in UTF-8
  bool rev2 = false;        // RFC 9051
};

}  // namespace imapd
