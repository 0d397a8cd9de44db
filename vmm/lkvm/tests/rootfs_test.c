/* The default root file system: made on first use, and safe from what a guest leaves in it. */
#define _GNU_SOURCE /* nftw */
#include "rootfs.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Stands for guest_init_blob.S. */
__asm__(".section .rodata\n"
        ".globl guest_init_start, guest_init_end\n"
        "guest_init_start: .ascii \"INIT\"\n"
        "guest_init_end:\n"
        ".previous");

static char home[] = "/tmp/lkvm-home-XXXXXX";

static const char *
in_home(const char *path)
{
  static char full[128];
  snprintf(full, sizeof full, "%s/%s", home, path);
  return full;
}

static void
expect_file(const char *path, const char *content)
{
  char text[128] = "";
  int fd = open(in_home(path), O_RDONLY | O_NOFOLLOW);
  CHECK(fd >= 0 && read(fd, text, sizeof text - 1) >= 0);
  close(fd);
  CHECK_TEXT(content, text);
}

static void
expect_link(const char *path, const char *target)
{
  char text[128] = "";
  CHECK(readlink(in_home(path), text, sizeof text - 1) > 0);
  CHECK_TEXT(target, text);
}

static void
first_use(void)
{
  struct stat status;
  CHECK_TEXT(in_home(".lkvm/default"), rootfs_prepare("default"));
  expect_file(".lkvm/default/virt/init", "INIT");
  CHECK(stat(in_home(".lkvm/default/virt/init"), &status) == 0 && (status.st_mode & 0111));
  expect_file(".lkvm/default/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  expect_link(".lkvm/default/bin", "/host/bin");
  expect_link(".lkvm/default/etc/ld.so.conf", "/host/etc/ld.so.conf");
  CHECK(stat(in_home(".lkvm/default/var/lib"), &status) == 0 && S_ISDIR(status.st_mode));
}

/* What the user changed stays, but init is always ours. */
static void
later_use(void)
{
  CHECK(unlink(in_home(".lkvm/default/etc/passwd")) == 0);
  CHECK(symlink("/nowhere", in_home(".lkvm/default/etc/passwd")) == 0);
  CHECK(unlink(in_home(".lkvm/default/virt/init")) == 0);
  rootfs_prepare("default");
  expect_link(".lkvm/default/etc/passwd", "/nowhere");
  expect_file(".lkvm/default/virt/init", "INIT");
}

static void
a_link_in_the_place_of_init(void)
{
  int fd = open(in_home("secret"), O_WRONLY | O_CREAT, 0600);
  CHECK(fd >= 0 && write(fd, "secret", 6) == 6);
  close(fd);
  CHECK(unlink(in_home(".lkvm/default/virt/init")) == 0);
  CHECK(symlink("../../../secret", in_home(".lkvm/default/virt/init")) == 0);
  rootfs_prepare("default");
  expect_file("secret", "secret");
  expect_file(".lkvm/default/virt/init", "INIT");
}

static void
a_link_in_the_place_of_a_directory(void)
{
  int status;
  CHECK(mkdir(in_home("outside"), 0700) == 0);
  CHECK(unlink(in_home(".lkvm/default/virt/init")) == 0);
  CHECK(rmdir(in_home(".lkvm/default/virt/home")) == 0);
  CHECK(rmdir(in_home(".lkvm/default/virt")) == 0);
  CHECK(symlink("../../outside", in_home(".lkvm/default/virt")) == 0);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    CHECK(freopen("/dev/null", "w", stderr));
    rootfs_prepare("default");
    _exit(0);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  CHECK_EQUAL(1, WEXITSTATUS(status));
  CHECK(rmdir(in_home("outside")) == 0); /* nothing was made in there */
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
  (void)status, (void)type, (void)place;
  return remove(path);
}

int
main(void)
{
  CHECK(mkdtemp(home));
  setenv("HOME", home, 1);
  first_use();
  later_use();
  a_link_in_the_place_of_init();
  a_link_in_the_place_of_a_directory();
  nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  return 0;
}
