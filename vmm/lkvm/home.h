/* The directory where lkvm keeps sockets of running guests and their root directories. */
#ifndef LKVM_HOME_H
#define LKVM_HOME_H

#define PATH_BYTES 512

/* ~/.lkvm, created if need be; kvmtool uses the same. Ends the program if it cannot be. */
const char *home_directory(void);

#endif
