/**
 * What a guest has besides its CPUs: a network, disks, a random number generator, directories of its host,
 * a console; and one that has nothing but its memory.
 */

import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { type FileMap, fixture, layer, scenario, writeCpio } from "himawari";

// -- User-mode network: an address by DHCP, the host as gateway, and through it its services over TCP

const URL = "http://192.168.33.1:8080";

const guestOfWebServer = layer(
  "guest of a web server",
  {
    from: "host-prompt",
    host: { memMiB: 192, files: { "/www/index.html": { content: "from the host\n" } } },
  },
  async ({ host }) => {
    await host.sh`seq 1 50000 > /www/numbers; httpd -p 8080 -h /www`;
    const guest = await host.lkvm({ memMiB: 64 });
    await guest.console.expect("Got DHCP answer from 192.168.33.1, my address is 192.168.33.15");
    await guest.prompt();
    return { guest };
  },
);

scenario(
  "a guest gets its address by DHCP",
  { from: guestOfWebServer },
  async ({ guest }) => {
    assertStringIncludes((await guest.sh`ip addr show eth0`).out, "inet 192.168.33.15/24");
  },
);

const visitor = layer(
  "guest of a web server, gone",
  { from: guestOfWebServer },
  async ({ guest }) => {
    assertEquals(
      (await guest.sh`ip route | head -n1`).out.trim(),
      "default via 192.168.33.1 dev eth0",
    );
    assertStringIncludes(
      (await guest.sh`ping -c 2 192.168.33.1`).out,
      "2 packets transmitted, 2 packets received, 0% packet loss",
    );
    assertEquals(await guest.sh`wget -q -O - ${URL}/index.html`, { code: 0, out: "from the host" });
    assertEquals(
      await guest.sh`wget -q -O - ${URL}/numbers | cmp - /host/www/numbers`,
      { code: 0, out: "" },
    );
    const refused = await guest.sh`wget -q -O - http://192.168.33.1:8081/ 2>&1`;
    assertStringIncludes(refused.out, "Connection refused");
    assertNotEquals((await guest.sh`touch /host/www/index.html 2> /dev/null`).code, 0);
    assertEquals(await guest.powerOff(), 0);
  },
);

scenario(
  "a guest reaches its host over the network, and changes nothing there",
  { from: visitor },
  async ({ host }) => {
    assertEquals((await host.sh`cat /www/index.html`).out, "from the host");
  },
);

// -- Disks, which are files of the host

/** Makes the disk: busybox, and a script for init. */
const MAKE_ROOT = `#!/bin/sh -e
dmesg -n 1
truncate -s 8M /tmp/disk.img
mke2fs -F /tmp/disk.img > /dev/null
mkdir /tmp/mounted
losetup $(losetup -f) /tmp/disk.img
mount -t ext2 /dev/loop0 /tmp/mounted
cd /tmp/mounted
mkdir bin dev proc sys
cp /bin/busybox bin
for applet in sh mount umount cat head seq sync poweroff; do ln -s busybox bin/$applet; done
printf '#!/bin/sh\\nmount -t proc proc /proc\\nmount -t sysfs sys /sys\\nexec /bin/sh\\n' > init
chmod 755 init
cd /
umount /tmp/mounted
losetup -d /dev/loop0
`;

/** The first disk is its root, the second is read-only. */
const guestOnDisk = layer(
  "guest with two disks",
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
      disk: ["/tmp/disk.img", "/tmp/fixed.img,ro"],
      params: "init=/init",
    });
    await guest.console.expect(/VFS: Mounted root \(ext[234] filesystem\) on device 254:0/);
    await guest.prompt();
    return { guest };
  },
);

scenario("a guest runs from its disk", { from: guestOnDisk }, async ({ guest }) => {
  assertMatch((await guest.sh`cat /proc/cmdline`).out, / root=\/dev\/vda rw /);
});

const writtenDisk = layer(
  "disks that a guest used",
  { from: guestOnDisk },
  async ({ host, guest }) => {
    assertEquals((await guest.sh`cat /sys/block/vda/size /sys/block/vda/ro`).out, "16384\n0");
    assertEquals((await guest.sh`cat /sys/block/vdb/size /sys/block/vdb/ro`).out, "2048\n1");
    assertEquals((await guest.sh`head -n1 /dev/vdb`).out, "from the host");
    assertNotEquals((await guest.sh`echo no > /dev/vdb`).code, 0);

    await guest.sh`echo "from the guest" > /hello; seq 1 20000 > /numbers; sync`;
    await guest.sh`mount -o remount,ro /`;
    assertEquals(await guest.powerOff(), 0);

    await host.sh`losetup -r /dev/loop0 /tmp/disk.img`;
    assertEquals((await host.sh`mount -t ext2 -o ro /dev/loop0 /tmp/mounted`).code, 0);
    assertEquals(await host.sh`seq 1 20000 | cmp - /tmp/mounted/numbers`, { code: 0, out: "" });
  },
);

scenario("what a guest writes is in the host's file", { from: writtenDisk }, async ({ host }) => {
  assertEquals(await host.sh`cat /tmp/mounted/hello`, { code: 0, out: "from the guest" });
  assertEquals((await host.sh`head -n1 /tmp/fixed.img`).out, "from the host");
});

// -- Entropy, a directory shared with the host, a virtio console

const guestWithDevices = layer(
  "guest with entropy and a shared directory",
  { from: "host-prompt", host: { memMiB: 256 } },
  async ({ host }) => {
    await host.run("mkdir /tmp/share && echo from the host > /tmp/share/note");
    const guest = await host.lkvm({
      memMiB: 64,
      network: "none",
      args: ["--rng", "--9p", "/tmp/share,pinboard", "--dump-dtb", "/tmp/guest.dtb"],
    });
    await guest.prompt();
    return { guest };
  },
);

scenario("a guest has entropy", { from: guestWithDevices }, async ({ guest }) => {
  assertEquals((await guest.sh`cat /sys/class/misc/hw_random/rng_current`).out, "virtio_rng.0");
});

const devicesUsed = layer(
  "entropy and shared directory, used",
  { from: guestWithDevices },
  async ({ guest }) => {
    await guest.run(
      "mkdir -p /tmp/m && mount -t 9p -o trans=virtio,version=9p2000.L pinboard /tmp/m",
    );
    assertEquals((await guest.run("head -c 64 /dev/hwrng | wc -c")).out, "64");
    assertEquals((await guest.sh`cat /tmp/m/note`).out, "from the host");
    await guest.run("echo from the guest > /tmp/m/answer");
    assertEquals(await guest.powerOff(), 0);
  },
);

scenario(
  "a guest shares a directory, and its device tree can be looked at",
  { from: devicesUsed },
  async ({ host }) => {
    assertEquals((await host.sh`cat /tmp/share/answer`).out, "from the guest");
    assertMatch((await host.run("head -c 4 /tmp/guest.dtb | hexdump -C")).out, /d0 0d fe ed/);
  },
);

const guestOnVirtioConsole = layer(
  "guest on a virtio console",
  { from: "host-prompt", host: { memMiB: 192 } },
  async ({ host }) => {
    const guest = await host.lkvm({ memMiB: 64, console: "virtio", network: "none" });
    await guest.console.expect("console [hvc0] enabled");
    await guest.console.expect("Mounting...\n");
    const { out } = await guest.sh`seq 1 2000`;
    assertEquals(out, Array.from({ length: 2000 }, (_, index) => index + 1).join("\n"));
    return { guest };
  },
);

scenario(
  "a guest talks over a virtio console",
  { from: guestOnVirtioConsole },
  async ({ guest }) => {
    assertMatch((await guest.sh`cat /proc/consoles`).out, /^hvc0 /);
  },
);

/** lkvm starts the guest anew in the same process. */
const restartedAndGone = layer(
  "guest, restarted and gone",
  { from: guestOnVirtioConsole },
  async ({ guest }) => {
    await guest.sh`touch /home/before`;
    await guest.reboot();
    await guest.console.expect("Mounting...\n");
    assertEquals((await guest.sh`ls /home`).out, "before");
    assertEquals(await guest.powerOff(), 0);
  },
);

scenario("a guest restarts, and powers off", { from: restartedAndGone }, async ({ host }) => {
  assertEquals((await host.sh`pidof lkvm-static`).code, 1);
});

// -- Nothing: its root file system is an initramfs, packed here from a file map

const INIT = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
echo "Booted from the initramfs."
exec /bin/sh
`;

/** All that the guest has. */
function initramfsFiles(): FileMap {
  const applets = ["sh", "mount", "ls", "cat", "uname", "poweroff"];
  return {
    "/bin/busybox": { content: fixture("busybox"), mode: 0o755 },
    ...Object.fromEntries(applets.map((name) => [`/bin/${name}`, { link: "busybox" }])),
    "/init": { content: INIT, mode: 0o755 },
    "/dev": { dir: true },
    "/proc": { dir: true },
    "/sys": { dir: true },
  };
}

const guestInMemory = layer(
  "guest in its initramfs, gone",
  {
    from: "host-prompt",
    host: { memMiB: 192, files: { "/apps/root.cpio": { content: writeCpio(initramfsFiles()) } } },
  },
  async ({ host }) => {
    assertEquals((await host.sh`gzip /apps/root.cpio`).code, 0);
    const guest = await host.lkvm({ memMiB: 64, initrd: "/apps/root.cpio.gz", network: "none" });
    await guest.console.expect("Run /init as init process");
    await guest.console.expect("Booted from the initramfs.\n");
    const seen = {
      root: (await guest.sh`ls /`).out,
      network: (await guest.sh`ls /sys/class/net`).out,
      virtio: await guest.sh`ls /sys/bus/virtio/devices`,
    };
    return { seen, exitStatus: await guest.powerOff() };
  },
);

scenario(
  "a guest boots from an initrd, without network and without its host's files",
  { from: guestInMemory },
  ({ seen, exitStatus }) => {
    assertEquals(seen.root, "bin   dev   init  proc  root  sys");
    assertEquals(seen.network, "lo");
    assertEquals(seen.virtio, { code: 0, out: "" });
    assertEquals(exitStatus, 0);
  },
);
