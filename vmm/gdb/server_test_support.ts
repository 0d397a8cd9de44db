/**
 * For tests over sockets: whether they may be.
 *
 * @module
 */

/** Whether a server can be had on this host; if not, prints why its tests are skipped. */
export function canServe(): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port: 0 }).close();
    return true;
  } catch (error) {
    console.log(`skipped: no server on 127.0.0.1: ${(error as Error).message.split("\n")[0]}`);
    return false;
  }
}
