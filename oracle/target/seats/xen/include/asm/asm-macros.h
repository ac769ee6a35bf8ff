/* Xen generates it, for assembly, of which there is none here. */
