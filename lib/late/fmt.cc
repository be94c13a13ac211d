// {fmt}, compiled into the command: the library as Debian has it brings the C++ library's shared object along, whose
// relocations take longer than the command.

#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template FMT_API auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template FMT_API auto decimal_point_impl(locale_ref) -> char;
template FMT_API void vformat_to<char>(buffer<char>& to, string_view text, format_args arguments, locale_ref locale);

}  // namespace detail
FMT_END_NAMESPACE
