// void event_switch_stack(void** save, void* target)
// Leaves the running stack and goes on with another: pushes what the System V ABI lets a callee rely on (rbp, rbx,
// r12 to r15, the control words of SSE and x87), stores the stack pointer in *save, takes `target` as the new one and
// pops the same from there.
#if defined(__x86_64__)
#if defined(__CET__)
#include <cet.h>
#else
#define _CET_ENDBR
#endif

	.text
	.globl	event_switch_stack
	.hidden	event_switch_stack
	.type	event_switch_stack, @function
	.p2align 4
event_switch_stack:
	.cfi_startproc
	_CET_ENDBR
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)

	movq	%rsp, (%rdi)
	movq	%rsi, %rsp

	// The frame here has the same shape, so the unwind information above stays true.
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	ret
	.cfi_endproc
	.size	event_switch_stack, . - event_switch_stack

// A fiber's first instruction: calls r13(r12), which never returns. Unwinding ends here.
	.globl	event_start_fiber
	.hidden	event_start_fiber
	.type	event_start_fiber, @function
	.p2align 4
event_start_fiber:
	.cfi_startproc
	.cfi_undefined rip
	_CET_ENDBR
	movq	%r12, %rdi
	xorl	%ebp, %ebp
	call	*%r13
	ud2
	.cfi_endproc
	.size	event_start_fiber, . - event_start_fiber
#endif
	.section	.note.GNU-stack, "", @progbits
