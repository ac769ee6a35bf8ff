// What KVM's files use of the rest of the kernel.
//
// This folder is written anew: names, types and what they mean, as far as
// compiling and walking goes. kernel.h is included before anything else; every
// header of the kernel's that is not KVM's own is an empty file meanwhile
// (seat, make_headers), so that this folder has to have it all.
//
// A function that is called and neither here nor in the compiled files is one
// of which only its name is known. If it is ever reached it ends the process,
// and the finding has its name (stand_ins.bash).
#ifndef SEATS_LINUX_KERNEL_H_
#define SEATS_LINUX_KERNEL_H_

/* Each builds on those before it. */
/* clang-format off */
#include "differences.h"
#include "configuration.h"
#include "words.h"
#include "bits.h"
#include "lists.h"
#include "locks.h"
#include "memory.h"
#include "machine.h"
#include <asm/apicdef.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>
#include "cpuid_leafs.h"
/* clang-format on */

#endif /* SEATS_LINUX_KERNEL_H_ */
