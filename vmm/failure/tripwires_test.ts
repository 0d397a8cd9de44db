import { assertEquals, assertThrows } from "@std/assert";
import { type TripwireName, Tripwires } from "./tripwires.ts";

const TRIPPING: readonly (readonly [TripwireName, string])[] = [
  ["panic", "[    0.1] Kernel panic - not syncing: VFS: Unable to mount root fs"],
  ["oops", "[    5.100000] Oops [#1]"],
  ["oops", "[    5.100000] Oops - illegal instruction [#1]"],
  ["oops", "[    5.100000][    T1] Oops: general protection fault [#2] SMP"],
  ["oops", "[    5.100000] Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP"],
  ["oops", "Oops - load access fault [#1]"],
  ["bug", "[    5.100000] BUG: Bad page state in process sh  pfn:81234"],
  ["bug", "[    5.100000] kernel BUG at mm/slub.c:4400!"],
  ["bug", "~ # [    5.100000] BUG: sleeping function called from invalid context"],
  ["rcu-stall", "[   25.100000] rcu: INFO: rcu_sched self-detected stall on CPU"],
  ["rcu-stall", "[   25.100000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:"],
  ["rcu-stall", "[   25.100000] rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: {"],
  ["soft-lockup", "[   48.000000] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:1]"],
  ["soft-lockup", "[   48.000000] watchdog: Watchdog detected hard LOCKUP on cpu 1"],
  ["kvm-internal-error", "KVM internal error. Suberror: 1"],
  ["kvm-internal-error", "[    9.000000] kvm [77]: VCPU exit error -95"],
  ["kvm-internal-error", '  # KVM exit reason: 17 ("KVM_EXIT_INTERNAL_ERROR")'],
  ["out-of-memory", "[    3.000000] dd invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER)"],
  ["out-of-memory", "[    3.000000] Out of memory: Killed process 88 (dd) total-vm:1kB"],
  ["out-of-memory", "[    3.000000] Memory cgroup out of memory: Killed process 88 (dd)"],
];

const HARMLESS = [
  "",
  "~ # dmesg | grep 'BUG: '",
  '~ # echo "Kernel panic"',
  "[    1.600000] ---[ end Kernel panic - not syncing: VFS ]---",
  "[    0.000000] Oopsed too often (kernel.oops_limit is 10000)",
  "Oops, I did it again",
  "Oops: 0",
  "see BUG: 1234",
  "[    0.000000] rcu: \tRCU CPU stall warnings timeout set to 21",
  "[    0.000000] kvm [1]: hypervisor extension available",
  "my oom-killer test",
  "a test: Out of memory: Killed process",
];

Deno.test("each tripwire is told by its line, and where it says so", () => {
  const tripwires = new Tripwires();
  for (const [name, line] of TRIPPING) {
    const tripped = tripwires.look(line, 100);
    assertEquals([tripped?.name, tripped?.lineStart], [name, 100], line);
    assertEquals(line.slice(tripped!.start - 100), tripped!.text);
  }
  assertEquals(tripwires.look("[    5.100000] Oops [#1]", 7), {
    name: "oops",
    start: 22,
    lineStart: 7,
    text: "Oops [#1]",
  });
});

Deno.test("what is typed, quoted, or no more than a warning trips none", () => {
  const tripwires = new Tripwires();
  for (const line of HARMLESS) assertEquals(tripwires.look(line, 0), undefined, line);
});

Deno.test("one that is off does not trip; the others do", () => {
  const tripwires = new Tripwires();
  tripwires.disable("out-of-memory", "soft-lockup");
  assertEquals(tripwires.disabled, ["out-of-memory", "soft-lockup"]);
  for (const [name, line] of TRIPPING) {
    const expected = { "out-of-memory": undefined, "soft-lockup": undefined } as const;
    // A soft lockup's line begins with the name of its detector, so that it is no BUG either.
    const wanted = name in expected ? undefined : name;
    assertEquals(tripwires.look(line, 0)?.name, wanted, line);
  }
  tripwires.enable("out-of-memory");
  assertEquals(tripwires.disabled, ["soft-lockup"]);
});

Deno.test("a name that is none is a mistake", () => {
  const name = "opps" as TripwireName;
  assertThrows(
    () => new Tripwires().disable(name),
    TypeError,
    'there is no "opps", only panic, oops',
  );
  assertThrows(() => new Tripwires().enable(name), TypeError, "tripwires.enable");
});
