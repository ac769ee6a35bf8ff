/* Xen generates it: its hypercalls, none of which is made here. */
