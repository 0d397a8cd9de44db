/*
 * The first program of a guest on the default root file system: mounts, then a shell; when the
 * shell ends, the guest powers off. Linked against nothing, so that it stays a few kilobytes.
 */
#include <asm/unistd.h>
#include <linux/reboot.h>

#define MS_RDONLY 1
#define TIOCSCTTY 0x540e
#define SIGCHLD 17
#define AT_FDCWD (-100)
#define STDOUT 1

/* The RISC-V Linux system call: number in a7, arguments from a0, result in a0. */
static long
call(long number, long a, long b, long c, long d, long e)
{
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  __asm__ volatile("ecall"
                   : "+r"(a0)
                   : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
                   : "memory");
  return a0;
}

static void
print(const char *text)
{
  long length = 0;
  while (text[length])
    length++;
  call(__NR_write, STDOUT, (long)text, length, 0, 0);
}

static void
mount(const char *source, const char *target, const char *type, long flags, const char *options)
{
  if (call(__NR_mount, (long)source, (long)target, (long)type, flags, (long)options) < 0) {
    print("Cannot mount ");
    print(target);
    print("\n");
  }
}

static void
mount_all(void)
{
  mount("hostfs", "/host", "9p", MS_RDONLY, "trans=virtio,version=9p2000.L");
  mount("sysfs", "/sys", "sysfs", 0, 0);
  mount("proc", "/proc", "proc", 0, 0);
  /* The kernel may have mounted it already (CONFIG_DEVTMPFS_MOUNT). */
  call(__NR_mount, (long)"devtmpfs", (long)"/dev", (long)"devtmpfs", 0, 0);
  call(__NR_mkdirat, AT_FDCWD, (long)"/dev/pts", 0755, 0, 0);
  call(__NR_mount, (long)"devpts", (long)"/dev/pts", (long)"devpts", 0, 0);
}

static void
become_shell(void)
{
  static const char *const arguments[] = {"/bin/sh", 0};
  static const char *const environment[] = {"TERM=linux", "HOME=/virt/home",
                                            "PATH=/sbin:/usr/sbin:/bin:/usr/bin", 0};
  call(__NR_setsid, 0, 0, 0, 0, 0);
  call(__NR_ioctl, 0, TIOCSCTTY, 1, 0, 0);
  call(__NR_execve, (long)arguments[0], (long)arguments, (long)environment, 0, 0);
  print("Cannot run /bin/sh\n");
  call(__NR_exit, 1, 0, 0, 0, 0);
}

void _start(void);

void
_start(void)
{
  print("Mounting...\n");
  mount_all();

  long shell = call(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (shell == 0)
    become_shell();
  /* Init reaps every orphan until its own child has ended. */
  while (shell > 0 && call(__NR_wait4, -1, 0, 0, 0, 0) != shell)
    ;
  call(__NR_sync, 0, 0, 0, 0, 0);
  call(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0, 0);
  for (;;)
    ;
}
