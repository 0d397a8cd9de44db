/*
 * The default root file system, as kvmtool makes it: a nearly empty directory in the home
 * directory, shared over 9p as the guest's root. Its /virt/init mounts the host's own root
 * read-only on /host; /bin, /lib and their like are symbolic links into that.
 */
#ifndef LKVM_ROOTFS_H
#define LKVM_ROOTFS_H

/* Creates what is missing of it; returns its path. Ends the program if it cannot. */
const char *rootfs_prepare(const char *name);

#endif
