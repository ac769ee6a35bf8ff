/* Xen generates it: its hypercalls. None is made here, but vmx.c would make
 * this one. */
long do_sched_op();
