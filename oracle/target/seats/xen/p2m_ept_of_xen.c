/* Xen's, with what the seat has instead. */
#include "p2m_overrides.h"

#include "arch/x86/mm/p2m-ept.c"
