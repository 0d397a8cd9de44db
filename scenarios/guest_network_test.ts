/**
 * The guest's user-mode network: an address by DHCP, the host as gateway, and through it the services
 * of the host over TCP. The host's files are in the guest's `/host`, read-only.
 */

import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { scenario } from "himawari";

scenario(
  "a guest reaches its host over the network",
  {
    from: "host-prompt",
    host: { memMiB: 192, files: { "/www/index.html": { content: "from the host\n" } } },
  },
  async ({ host }) => {
    await host.sh`seq 1 50000 > /www/numbers; httpd -p 8080 -h /www`;
    const guest = await host.lkvm({ memMiB: 64 });
    await guest.console.expect("Got DHCP answer from 192.168.33.1, my address is 192.168.33.15");

    assertStringIncludes((await guest.sh`ip addr show eth0`).out, "inet 192.168.33.15/24");
    assertEquals(
      (await guest.sh`ip route | head -n1`).out.trim(),
      "default via 192.168.33.1 dev eth0",
    );
    assertStringIncludes(
      (await guest.sh`ping -c 2 192.168.33.1`).out,
      "2 packets transmitted, 2 packets received, 0% packet loss",
    );

    const url = "http://192.168.33.1:8080";
    assertEquals(await guest.sh`wget -q -O - ${url}/index.html`, { code: 0, out: "from the host" });
    assertEquals(
      await guest.sh`wget -q -O - ${url}/numbers | cmp - /host/www/numbers`,
      { code: 0, out: "" },
    );
    assertStringIncludes(
      (await guest.sh`wget -q -O - http://192.168.33.1:8081/ 2>&1`).out,
      "Connection refused",
    );
    assertNotEquals((await guest.sh`touch /host/www/index.html 2> /dev/null`).code, 0);
    assertEquals(await guest.powerOff(), 0);
  },
);
