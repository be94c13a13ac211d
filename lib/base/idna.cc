#include "lib/base/idna.h"

#include <array>
#include <cstdint>
#include <memory>

#include <unicode/uidna.h>

#include "lib/base/ascii.h"

namespace idna {
namespace {

constexpr int name_limit = 1024;  // bytes of a result; a domain name has 253

using Converter = std::unique_ptr<UIDNA, decltype(&uidna_close)>;
using Function = decltype(&uidna_nameToASCII_UTF8);

Result<std::string> convert(Function function, std::uint32_t options, std::string_view domain) {
  const auto failed = [&] { return base::fail("no domain name: \"" + std::string(domain) + "\""); };
  UErrorCode status = U_ZERO_ERROR;
  const Converter converter(uidna_openUTS46(options, &status), &uidna_close);
  if (U_FAILURE(status) || domain.size() > name_limit) return failed();
  std::array<char, name_limit> result{};
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  const std::int32_t size = function(converter.get(), domain.data(), static_cast<std::int32_t>(domain.size()), result.data(),
                                     name_limit, &info, &status);
  if (U_FAILURE(status) || info.errors != 0 || size <= 0 || size > name_limit) return failed();
  return std::string(result.data(), static_cast<std::size_t>(size));
}

}  // namespace

Result<std::string> to_ascii(std::string_view domain, Rules rules) {
  if (ascii::is_ascii(domain)) return std::string(domain);
  return convert(&uidna_nameToASCII_UTF8, rules == Rules::idna2003 ? UIDNA_DEFAULT : UIDNA_NONTRANSITIONAL_TO_ASCII, domain);
}

Result<std::string> to_unicode(std::string_view domain) {
  return convert(&uidna_nameToUnicodeUTF8, UIDNA_NONTRANSITIONAL_TO_UNICODE, domain);
}

}  // namespace idna
