// ICU, of which a command needs something only when there is text beyond ASCII. Its names end in its version.

#include <unicode/ucasemap.h>
#include <unicode/uidna.h>

#include "lib/late/library.h"

namespace {

constexpr late::Library library(ICU_SONAME);

}  // namespace

UCaseMap* ucasemap_open(const char* locale, std::uint32_t options, UErrorCode* error) {
  return library.function<&ucasemap_open>(__func__)(locale, options, error);
}

void ucasemap_close(UCaseMap* map) { library.function<&ucasemap_close>(__func__)(map); }

std::int32_t ucasemap_utf8FoldCase(const UCaseMap* map, char* to, std::int32_t room, const char* from, std::int32_t size,
                                   UErrorCode* error) {
  return library.function<&ucasemap_utf8FoldCase>(__func__)(map, to, room, from, size, error);
}

UIDNA* uidna_openUTS46(std::uint32_t options, UErrorCode* error) {
  return library.function<&uidna_openUTS46>(__func__)(options, error);
}

void uidna_close(UIDNA* converter) { library.function<&uidna_close>(__func__)(converter); }

std::int32_t uidna_nameToASCII_UTF8(const UIDNA* converter, const char* name, std::int32_t size, char* to, std::int32_t room,
                                    UIDNAInfo* info, UErrorCode* error) {
  return library.function<&uidna_nameToASCII_UTF8>(__func__)(converter, name, size, to, room, info, error);
}

std::int32_t uidna_nameToUnicodeUTF8(const UIDNA* converter, const char* name, std::int32_t size, char* to, std::int32_t room,
                                     UIDNAInfo* info, UErrorCode* error) {
  return library.function<&uidna_nameToUnicodeUTF8>(__func__)(converter, name, size, to, room, info, error);
}
