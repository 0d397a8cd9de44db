/**
 * Too little memory is said before anything runs, with how much would do: a kernel that cannot unpack
 * its root file system fails late and obscurely.
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Host, scenario } from "himawari";

Deno.test("a host that cannot hold its root file system is refused before its first instruction", async () => {
  const error = await assertRejects(() => Host.create({ memMiB: 20 }), RangeError);
  assertMatch(error.message, /initramfs|initrd/);
  const remedy = Number(/at least (\d+) MiB/.exec(error.message)?.[1]);
  assert(remedy > 20 && remedy < 128, error.message);

  // What the message advises does.
  using host = await Host.boot({ memMiB: remedy });
  assertEquals(await host.sh`echo enough`, { code: 0, out: "enough" });
});

scenario(
  "a guest that cannot hold its kernel or initrd is refused with one line",
  {
    from: "host-prompt",
    host: {
      memMiB: 128,
      files: { "/apps/large.cpio": { content: new Uint8Array(12 << 20) } },
    },
  },
  async ({ host }) => {
    const lkvm = async (...args: string[]) => {
      const { code, out } = await host.sh`/apps/lkvm-static run -k /apps/Image ${args}`;
      return [code, ...out.split("\n").filter((line) => !line.includes("Info:"))];
    };

    const [tinyCode, tinyLine, ...more] = await lkvm("-m", "12");
    assertEquals([tinyCode, more], [1, []]);
    assertEquals(tinyLine, "  Fatal: Memory too small: 12; the guest needs at least 16 MiB");

    const [kernelCode, kernelLine] = await lkvm("-m", "16");
    assertEquals(kernelCode, 1);
    assertMatch(
      String(kernelLine),
      /^ {2}Fatal: Kernel of \d+ MiB does not fit in 16 MiB: give the guest at least -m \d+$/,
    );

    const [initrdCode, initrdLine] = await lkvm("-m", "24", "-i", "/apps/large.cpio");
    assertEquals(initrdCode, 1);
    assertMatch(
      String(initrdLine),
      /^ {2}Fatal: Kernel of \d+ MiB and initrd of 12 MiB, .* do not fit in 24 MiB: give .* -m \d+$/,
    );

    const [hugeCode, hugeLine] = await lkvm("-m", "4096");
    assertEquals(hugeCode, 1);
    assertMatch(
      String(hugeLine),
      /^ {2}Fatal: Guest memory of 4096 MiB is too much for a host of \d+ MiB: give -m \d+ or less$/,
    );
  },
);
