#pragma once
// What the server can (RFC 9051 section 7.2.2).

#include <string>
#include <string_view>

namespace imapd {

// Before the login, without what depends on the connection (STARTTLS, LOGINDISABLED, AUTH=).
inline constexpr std::string_view capabilities_before_login = "IMAP4rev1 IMAP4rev2 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+";

// After it. A command that adds an extension adds its name here.
inline constexpr std::string_view capabilities_after_login =
    "IMAP4rev1 IMAP4rev2 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ UNSELECT CHILDREN NAMESPACE UIDPLUS CONDSTORE QRESYNC ESEARCH "
    "SEARCHRES WITHIN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE SAVEDATE MOVE MULTIAPPEND COMPRESS=DEFLATE "
    "CATENATE URL-PARTIAL REPLACE NOTIFY INPROGRESS QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE "
    "SORT SORT=DISPLAY ESORT THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT I18NLEVEL=1 CONTEXT=SEARCH "
    "BINARY PREVIEW SNIPPET=FUZZY PREVIEW=FUZZY UTF8=ACCEPT";

}  // namespace imapd
