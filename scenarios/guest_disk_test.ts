/**
 * A guest with two disks, which are files of the host. The first is its root file system, made by the
 * host: what the guest writes, the host reads afterwards. The second is read-only.
 */

import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { scenario } from "himawari";

/** Makes the root file system: busybox, and a script for init. */
const MAKE_ROOT = `#!/bin/sh -e
dmesg -n 1
truncate -s 8M /tmp/root.img
mke2fs -F /tmp/root.img > /dev/null
mkdir /tmp/root
losetup $(losetup -f) /tmp/root.img
mount -t ext2 /dev/loop0 /tmp/root
cd /tmp/root
mkdir bin dev proc sys
cp /bin/busybox bin
for applet in sh mount umount cat head seq sync poweroff; do ln -s busybox bin/$applet; done
printf '#!/bin/sh\\nmount -t proc proc /proc\\nmount -t sysfs sys /sys\\nexec /bin/sh\\n' > init
chmod 755 init
cd /
umount /tmp/root
losetup -d /dev/loop0
`;

scenario(
  "a guest runs from its disk, and what it writes is in the host's file",
  {
    from: "host-prompt",
    host: { memMiB: 192, files: { "/apps/make_root": { content: MAKE_ROOT, mode: 0o755 } } },
  },
  async ({ host }) => {
    assertEquals(await host.sh`/apps/make_root`, { code: 0, out: "" });
    await host.sh`echo "from the host" > /tmp/fixed.img; truncate -s 1M /tmp/fixed.img`;

    const guest = await host.lkvm({
      memMiB: 64,
      network: "none",
      disk: ["/tmp/root.img", "/tmp/fixed.img,ro"],
      params: "init=/init",
    });
    await guest.console.expect(/VFS: Mounted root \(ext[234] filesystem\) on device 254:0/);
    assertMatch((await guest.sh`cat /proc/cmdline`).out, / root=\/dev\/vda rw /);
    assertEquals((await guest.sh`cat /sys/block/vda/size /sys/block/vda/ro`).out, "16384\n0");
    assertEquals((await guest.sh`cat /sys/block/vdb/size /sys/block/vdb/ro`).out, "2048\n1");

    assertEquals((await guest.sh`head -n1 /dev/vdb`).out, "from the host");
    assertNotEquals((await guest.sh`echo no > /dev/vdb`).code, 0);

    await guest.sh`echo "from the guest" > /hello; seq 1 20000 > /numbers; sync`;
    await guest.sh`mount -o remount,ro /`;
    assertEquals(await guest.powerOff(), 0);

    await host.sh`losetup -r /dev/loop0 /tmp/root.img`;
    assertEquals((await host.sh`mount -t ext2 -o ro /dev/loop0 /tmp/root`).code, 0);
    assertEquals(await host.sh`cat /tmp/root/hello; seq 1 20000 | cmp - /tmp/root/numbers`, {
      code: 0,
      out: "from the guest",
    });
    assertEquals((await host.sh`head -n1 /tmp/fixed.img`).out, "from the host");
  },
);
