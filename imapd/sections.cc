#include "imapd/sections.h"

namespace imapd {

message::Section section_of(const imap::Section& wanted) {
  using Text = imap::Section::Text;
  using What = message::Section::What;
  message::Section out{.path = wanted.part, .what = What::all, .names = wanted.fields};
  switch (wanted.text) {
    case Text::whole: break;
    case Text::header: out.what = What::header; break;
    case Text::header_fields: out.what = What::fields; break;
    case Text::header_fields_not: out.what = What::fields_not; break;
    case Text::text: out.what = What::text; break;
    case Text::mime: out.what = What::mime; break;
  }
  return out;
}

}  // namespace imapd
