/**
 * A guest that shares nothing with its host: its root file system is an initramfs, packed here from a
 * file map, and it has no network.
 */

import { assertEquals } from "@std/assert";
import { type FileMap, fixture, packInitramfs, scenario } from "himawari";

const APPLETS = ["sh", "mount", "ls", "cat", "uname", "poweroff"];
const INIT = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
echo "Booted from the initramfs."
exec /bin/sh
`;

function rootFiles(): FileMap {
  const links = APPLETS.map((name) => [`/bin/${name}`, { link: "busybox" }]);
  return {
    "/bin/busybox": { content: fixture("busybox"), mode: 0o755 },
    ...Object.fromEntries(links),
    "/init": { content: INIT, mode: 0o755 },
    "/dev": { dir: true },
    "/proc": { dir: true },
    "/sys": { dir: true },
  };
}

scenario(
  "a guest boots from an initrd, without network and without its host's files",
  {
    from: "host-prompt",
    host: {
      memMiB: 192,
      files: { "/apps/root.cpio.gz": { content: packInitramfs(rootFiles()) } },
    },
  },
  async ({ host }) => {
    const guest = await host.lkvm({ memMiB: 64, initrd: "/apps/root.cpio.gz", network: "none" });
    await guest.console.expect("Run /init as init process");
    await guest.console.expect("Booted from the initramfs.\n");

    assertEquals((await guest.sh`ls /`).out, "bin   dev   init  proc  root  sys");
    assertEquals((await guest.sh`ls /sys/class/net`).out, "lo");
    assertEquals(await guest.sh`ls /sys/bus/virtio/devices`, { code: 0, out: "" });
    assertEquals(await guest.powerOff(), 0);
  },
);
