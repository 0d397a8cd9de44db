import { assertEquals } from "@std/assert";
import { EventQueue } from "./event_queue.ts";

Deno.test("events fire in order of time, and of scheduling when due together", () => {
  const queue = new EventQueue();
  const fired: string[] = [];
  const add = (dueNs: bigint, name: string) => queue.schedule(dueNs, () => fired.push(name));
  add(30n, "d");
  add(10n, "a");
  add(20n, "b");
  add(20n, "c");
  add(31n, "e");
  assertEquals(queue.nextDueNs, 10);
  queue.fireDue(9n);
  assertEquals(fired, []);
  queue.fireDue(20n);
  assertEquals(fired, ["a", "b", "c"]);
  assertEquals(queue.nextDueNs, 30);
  queue.fireDue(1000n);
  assertEquals(fired, ["a", "b", "c", "d", "e"]);
  assertEquals(queue.nextDueNs, Infinity);
});

Deno.test("a cancelled event does not fire; cancelling again or after it fired is harmless", () => {
  const queue = new EventQueue();
  const fired: string[] = [];
  const early = queue.schedule(1n, () => fired.push("early"));
  const cancelled = queue.schedule(2n, () => fired.push("cancelled"));
  queue.schedule(3n, () => fired.push("late"));
  cancelled.cancel();
  cancelled.cancel();
  queue.fireDue(1n);
  early.cancel();
  assertEquals(queue.nextDueNs, 3);
  queue.fireDue(3n);
  assertEquals(fired, ["early", "late"]);
});

Deno.test("a callback may schedule and cancel", () => {
  const queue = new EventQueue();
  const fired: string[] = [];
  const doomed = queue.schedule(7n, () => fired.push("doomed"));
  queue.schedule(5n, () => {
    fired.push("first");
    doomed.cancel();
    queue.schedule(6n, () => fired.push("due already"));
    queue.schedule(9n, () => fired.push("not yet"));
  });
  queue.fireDue(8n);
  assertEquals(fired, ["first", "due already"]);
  assertEquals(queue.nextDueNs, 9);
});

Deno.test("a time beyond what a number holds exactly never comes", () => {
  const queue = new EventQueue();
  const event = queue.schedule((1n << 53n) + 1n, () => {});
  assertEquals(queue.nextDueNs, Infinity);
  event.cancel();
  queue.schedule((1n << 53n) - 1n, () => {});
  assertEquals(queue.nextDueNs, 2 ** 53 - 1);
});
