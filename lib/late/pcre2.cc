// PCRE2, for who opens a pcre table.

#define PCRE2_CODE_UNIT_WIDTH 8

#include <pcre2.h>

#include "lib/late/library.h"

namespace {

constexpr late::Library library(PCRE2_SONAME);

}  // namespace

pcre2_code* pcre2_compile(PCRE2_SPTR pattern, PCRE2_SIZE size, std::uint32_t options, int* code, PCRE2_SIZE* offset,
                          pcre2_compile_context* context) {
  return library.function<&pcre2_compile>(__func__)(pattern, size, options, code, offset, context);
}

void pcre2_code_free(pcre2_code* pattern) { library.function<&pcre2_code_free>(__func__)(pattern); }

int pcre2_jit_compile(pcre2_code* pattern, std::uint32_t options) {
  return library.function<&pcre2_jit_compile>(__func__)(pattern, options);
}

int pcre2_match(const pcre2_code* pattern, PCRE2_SPTR text, PCRE2_SIZE size, PCRE2_SIZE start, std::uint32_t options,
                pcre2_match_data* data, pcre2_match_context* context) {
  return library.function<&pcre2_match>(__func__)(pattern, text, size, start, options, data, context);
}

pcre2_match_data* pcre2_match_data_create_from_pattern(const pcre2_code* pattern, pcre2_general_context* context) {
  return library.function<&pcre2_match_data_create_from_pattern>(__func__)(pattern, context);
}

void pcre2_match_data_free(pcre2_match_data* data) { library.function<&pcre2_match_data_free>(__func__)(data); }

PCRE2_SIZE* pcre2_get_ovector_pointer(pcre2_match_data* data) {
  return library.function<&pcre2_get_ovector_pointer>(__func__)(data);
}

int pcre2_pattern_info(const pcre2_code* pattern, std::uint32_t what, void* to) {
  return library.function<&pcre2_pattern_info>(__func__)(pattern, what, to);
}

int pcre2_get_error_message(int code, PCRE2_UCHAR* to, PCRE2_SIZE room) {
  return library.function<&pcre2_get_error_message>(__func__)(code, to, room);
}

pcre2_match_context* pcre2_match_context_create(pcre2_general_context* context) {
  return library.function<&pcre2_match_context_create>(__func__)(context);
}

int pcre2_set_match_limit(pcre2_match_context* context, std::uint32_t limit) {
  return library.function<&pcre2_set_match_limit>(__func__)(context, limit);
}

int pcre2_set_heap_limit(pcre2_match_context* context, std::uint32_t limit) {
  return library.function<&pcre2_set_heap_limit>(__func__)(context, limit);
}

pcre2_jit_stack* pcre2_jit_stack_create(PCRE2_SIZE start, PCRE2_SIZE limit, pcre2_general_context* context) {
  return library.function<&pcre2_jit_stack_create>(__func__)(start, limit, context);
}

void pcre2_jit_stack_assign(pcre2_match_context* context, pcre2_jit_callback callback, void* argument) {
  library.function<&pcre2_jit_stack_assign>(__func__)(context, callback, argument);
}
