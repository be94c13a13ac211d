#include "lib/tls/openssl.h"

#include <array>

#include <fmt/format.h>
#include <openssl/err.h>

namespace tls {

std::vector<std::string> take_library_problems() {
  std::vector<std::string> problems;
  const char* file = nullptr;
  const char* function = nullptr;
  const char* data = nullptr;
  int line = 0, flags = 0;
  while (const unsigned long code = ERR_get_error_all(&file, &line, &function, &data, &flags)) {
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    std::string problem = fmt::format("{}:{}:{}:", text.data(), file, line);
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') problem += fmt::format("{}:", data);
    problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace tls
