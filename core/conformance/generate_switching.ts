/**
 * Random world switches: several address spaces with their own ASIDs and VMIDs, page table entries
 * that change under the right fence, and accesses in between. It looks for translations that outlive
 * their fence or leak into another space.
 *
 * The program runs in HS-mode without translation of its own, so it reaches its page tables directly;
 * the guests' memory it reads and writes through HLV and HSV. Every change of an entry is followed by
 * the narrowest fence that covers it: what happens without a fence is not specified.
 *
 * @module
 */

import { atp, entry, pte, scheme } from "./address_space.ts";
import { encode } from "./assembler.ts";
import { addressIn, type Patch, slotOf, type Step, step, type TestCase } from "./case.ts";
import { csr } from "./csr_map.ts";
import { environmentEnables } from "./generate_instructions.ts";
import { slot } from "./layout.ts";
import { Stage } from "./page_tables.ts";
import { Random } from "./random.ts";

/** Registers: pointers to the pool and to the tables of each stage, the atp values, ASIDs, VMIDs. */
const pool = 2, value = 5, scratch = 31, accumulator = 30, stored = 28, link = 1;
const firstVsatp = 10, firstHgatp = 13, firstVsTable = 16, firstGTable = 19, firstAsid = 21;
const firstVmid = 24, dataBase = 26;

/** Guest spaces: VS-stage tables of three pages each; a space belongs to one of two machines. */
const spaceCount = 3, machineCount = 2;
const vsRoots = [slot.vsStageTables, slot.vsStageTables + 0x3000, slot.vsStageTables + 0x6000];
/** The second machine's root takes the second half of the data frames. */
const gShapes = [
  { root: slot.gStageRoot, next: slot.gStageTables },
  { root: slot.data + 0x4000, next: slot.gStageTables + 0x2000 },
];
const frameCount = 4;
const machineOf = (space: number) => space % machineCount;

const hostFlags = pte.V | pte.R | pte.W | pte.X | pte.U | pte.A | pte.D;

/** Generates case `index` of `seed`. */
export function generateSwitchingCase(seed: number, index: number): TestCase {
  const random = new Random(seed, index), slotIndex = slotOf(index);
  const base = BigInt(addressIn(slotIndex, 0));
  const frame = (number: number) => base + BigInt(slot.data + number * 0x1000);
  const frames = Array.from({ length: frameCount }, (_, i) => frame(i));

  const vs = vsRoots.map((root) => vsStage(random, base, root, frames));
  const g = gShapes.map((shape) => gStage(random, base, shape, frames));
  const values: bigint[] = [];
  const context: SwitchingContext = {
    random,
    frames,
    indexOf: (number) => vs[0]!.indexOf(frame(number), 0),
    place: (entry) => {
      values.push(entry);
      return (values.length - 1) * 8;
    },
    space: 0,
  };
  const steps: Step[] = [switchTo(0)];
  const count = random.between(40, 90);
  while (steps.length < count) steps.push(...randomSteps(context));

  // Two spaces of one machine differ by ASID; machines differ by VMID, and may share ASIDs.
  const asids = [1, random.pick([1, 2]), 3], vmids = [1, 2];
  const x = Array.from({ length: 32 }, () => random.u64());
  x[0] = 0n;
  x[link] = BigInt(addressIn(slotIndex, slot.code));
  x[pool] = base + BigInt(slot.context + 0x800);
  x[dataBase] = frame(0);
  for (let i = 0; i < spaceCount; i++) {
    x[firstVsatp + i] = atp(scheme.sv39, base + BigInt(vsRoots[i]!), asids[i]!);
    x[firstVsTable + i] = base + BigInt(vs[i]!.tableOffset(0));
    x[firstAsid + i] = BigInt(asids[i]!);
  }
  for (let i = 0; i < machineCount; i++) {
    x[firstHgatp + i] = atp(scheme.sv39, base + BigInt(gShapes[i]!.root), vmids[i]!);
    x[firstGTable + i] = base + BigInt(g[i]!.tableOffset(0));
    x[firstVmid + i] = BigInt(vmids[i]!);
  }
  const poolBytes = new Uint8Array(BigUint64Array.from(values).buffer);
  return {
    title: `seed ${seed}, case ${index} (switching)`,
    slotIndex,
    mode: "HS",
    csrs: {
      hstatus: 1n << 8n, // SPVP: accesses as of VS-mode
      menvcfg: environmentEnables,
      henvcfg: environmentEnables,
      stimecmp: 2n ** 64n - 1n,
      vstimecmp: 2n ** 64n - 1n,
    },
    x,
    f: Array.from({ length: 32 }, () => 0n),
    fcsr: 0n,
    steps,
    memory: [
      { offset: slot.data, bytes: randomFrames(random) },
      ...[...vs, ...g].flatMap((stage) => stage.patches()),
      ...poolPatch(poolBytes),
    ],
  };
}

function poolPatch(bytes: Uint8Array): Patch[] {
  if (bytes.length > 0x800) throw new RangeError(`${bytes.length} bytes do not fit the pool`);
  return bytes.length === 0 ? [] : [{ offset: slot.context + 0x800, bytes }];
}

function vsStage(random: Random, base: bigint, root: number, frames: readonly bigint[]): Stage {
  const shape = { mode: scheme.sv39, isGStage: false, root, next: root + 0x1000 };
  const stage = new Stage(shape, base);
  stage.setIdentityPath();
  for (const address of frames) {
    stage.set(0, stage.indexOf(address, 0), randomLeaf(random, frames, 0n));
  }
  return stage;
}

function gStage(
  random: Random,
  base: bigint,
  shape: { readonly root: number; readonly next: number },
  frames: readonly bigint[],
): Stage {
  const stage = new Stage({ mode: scheme.sv39, isGStage: true, ...shape }, base);
  stage.setIdentityPath();
  for (let at = 0; at < slot.trampolines; at += 0x1000) stage.setIdentityPage(at, hostFlags);
  for (const address of frames) {
    stage.set(0, stage.indexOf(address, 0), randomLeaf(random, frames, pte.U));
  }
  return stage;
}

/** A leaf to one of the frames; permissions come and go. */
function randomLeaf(random: Random, frames: readonly bigint[], owner: bigint): bigint {
  const permissions = random.weighted([
    [6, pte.R | pte.W | pte.X],
    [2, pte.R | pte.W],
    [2, pte.R],
    [1, pte.X],
  ]);
  const valid = random.chance(0.9) ? pte.V : 0n;
  const used = (random.chance(0.8) ? pte.A : 0n) | (random.chance(0.7) ? pte.D : 0n);
  const global = random.chance(0.2) ? pte.G : 0n;
  // A global VS-stage mapping is the same in all spaces of a machine: here it never is.
  return entry(
    random.pick(frames),
    permissions | valid | used | owner | (owner === 0n ? 0n : global),
  );
}

function randomFrames(random: Random): Uint8Array {
  const words = new Uint32Array(frameCount * 0x400);
  for (let i = 0; i < words.length; i++) words[i] = random.u32();
  return new Uint8Array(words.buffer);
}

interface SwitchingContext {
  readonly random: Random;
  readonly frames: readonly bigint[];
  /** Index in a level 0 table of the entry for a frame. */
  indexOf(frame: number): number;
  /** Puts a value into the pool; returns its offset. */
  place(value: bigint): number;
  /** The space that is active. */
  space: number;
}

function randomSteps(context: SwitchingContext): Step[] {
  const { random } = context;
  const kind = random.weighted<"access" | "switch" | "guest" | "host">([
    [12, "access"],
    [5, "switch"],
    [3, "guest"],
    [2, "host"],
  ]);
  switch (kind) {
    case "access":
      return [access(context)];
    case "switch":
      context.space = random.below(spaceCount);
      return [switchTo(context.space)];
    case "guest":
      return changeGuestEntry(context);
    case "host":
      return changeHostEntry(context);
  }
}

function switchTo(space: number): Step {
  return step([
    encode("csrrw", 0, csr("vsatp"), 0), // never the old space under the new VMID
    encode("csrrw", 0, csr("hgatp"), firstHgatp + machineOf(space)),
    encode("csrrw", 0, csr("vsatp"), firstVsatp + space),
  ]);
}

/** HLV, HSV or HLVX somewhere in a frame. */
function access({ random }: SwitchingContext): Step {
  const offset = random.below(0x1f0) * 8;
  const point = [
    encode("lui", scratch, random.below(frameCount)),
    encode("add", scratch, scratch, dataBase),
  ];
  const aligned = offset > 0x7f8 ? offset - 0x800 : offset;
  if (random.chance(0.4)) {
    return step([
      ...point,
      encode("addi", scratch, scratch, aligned),
      encode("hsv.d", scratch, stored),
    ], "HLV");
  }
  const name = random.pick(["hlv.d", "hlv.d", "hlvx.wu"]);
  return step([
    ...point,
    encode(name, value, scratch),
    encode("xor", accumulator, accumulator, value),
  ], name === "hlvx.wu" ? "HLVX" : "HLV");
}

/** Changes an entry of the active space, then fences it as narrowly as the dice say. */
function changeGuestEntry({ random, frames, indexOf, place, space }: SwitchingContext): Step[] {
  const frame = random.below(frameCount);
  const at = place(randomLeaf(random, frames, 0n));
  const byAddress = random.chance(0.5), byAsid = random.chance(0.5);
  return [
    step([
      encode("ld", value, at, pool),
      encode("lui", scratch, frame),
      encode("add", scratch, scratch, dataBase),
    ]),
    ...storeAndFence(
      firstVsTable + space,
      indexOf(frame),
      encode("hfence.vvma", byAddress ? scratch : 0, byAsid ? firstAsid + space : 0),
    ),
  ];
}

/** Changes an entry of the active machine's G-stage. */
function changeHostEntry({ random, frames, indexOf, place, space }: SwitchingContext): Step[] {
  const frame = random.below(frameCount), machine = machineOf(space);
  const at = place(randomLeaf(random, frames, pte.U));
  const byAddress = random.chance(0.5), byVmid = random.chance(0.5);
  return [
    step([
      encode("ld", value, at, pool),
      encode("lui", scratch, frame),
      encode("add", scratch, scratch, dataBase),
      encode("srli", scratch, scratch, 2), // HFENCE.GVMA takes a guest-physical address over four
    ]),
    ...storeAndFence(
      firstGTable + machine,
      indexOf(frame),
      encode("hfence.gvma", byAddress ? scratch : 0, byVmid ? firstVmid + machine : 0),
    ),
  ];
}

/** The entry's offset may be beyond the immediate of one store. */
function storeAndFence(table: number, index: number, fence: number): Step[] {
  const offset = index * 8;
  const entryAddress = 29;
  return [
    step([
      encode("addi", entryAddress, table, offset & 0x7f8),
      ...(offset & 0x800
        ? [
          encode("addi", entryAddress, entryAddress, 0x400),
          encode("addi", entryAddress, entryAddress, 0x400),
        ]
        : []),
    ]),
    step([encode("sd", value, 0, entryAddress), fence]),
  ];
}
