/* Xen's, but that nothing is patched: a call that would become a direct one is
 * made through its pointer, and instructions for other processors are none. */
#include_next <asm/alternative.h>

#undef alternative
#undef alternative_2
#undef alternative_io
#undef alternative_io_2
#undef alternative_input
#undef alternative_call
#undef alternative_vcall
#define alternative(...) ((void)0)
#define alternative_2(...) ((void)0)
#define alternative_io(...) ((void)0)
#define alternative_io_2(...) ((void)0)
#define alternative_input(...) ((void)0)
#define alternative_call(function, ...) ((function)(__VA_ARGS__))
#define alternative_vcall(function, ...) ((function)(__VA_ARGS__))
