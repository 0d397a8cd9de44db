/**
 * Random page tables with random accesses: one or two stages, every scheme, loads, stores, atomics
 * and fetches from each mode, through MPRV from M-mode, through HLV, HLVX and HSV from HS and U.
 *
 * @module
 */

import { encode } from "./assembler.ts";
import { atp, pte } from "./address_space.ts";
import { addressIn, isVirtual, type Mode, slotOf, type Step, step, type TestCase } from "./case.ts";
import { csr } from "./csr_map.ts";
import { delegation, environmentEnables } from "./generate_instructions.ts";
import { type InitialCsr, slot } from "./layout.ts";
import {
  dataFrame,
  isHarmless,
  type Landing,
  leafFlags,
  nowhere,
  randomScheme,
  scatterEntries,
  Stage,
} from "./page_tables.ts";
import { Random } from "./random.ts";

/** Registers with fixed roles; x10 to x27 hold addresses. */
const link = 1, mprvOn = 3, mprvBit = 4, value = 5, stored = 28, accumulator = 30, scratch = 31;
const firstAddress = 10, lastAddress = 27;

const mstatus = { SUM: 1n << 18n, MXR: 1n << 19n, MPRV: 1n << 17n, MPV: 1n << 39n } as const;
const hstatus = { SPVP: 1n << 8n, HU: 1n << 9n } as const;
const adue = 1n << 61n, pbmte = 1n << 62n;

/** The middle of a page: an address register points here, data lies above, code below. */
const middle = 0x800n;

/** The stages a case may translate through. */
interface Stages {
  readonly s: Stage;
  readonly vs: Stage;
  readonly g: Stage;
}

/** Generates case `index` of `seed`. */
export function generateTranslationCase(seed: number, index: number): TestCase {
  const random = new Random(seed, index);
  const mode = random.weighted<Mode>([[2, "M"], [3, "HS"], [1, "U"], [4, "VS"], [3, "VU"]]);
  const slotIndex = slotOf(index), slotBase = BigInt(addressIn(slotIndex, 0));
  const stages = randomStages(random, mode, slotBase);
  const mprvVirtual = random.chance(0.6), mprvPrivilege = BigInt(random.pick([0, 1, 1, 3]));
  const control = randomControl(random);
  const mprvState = control.mstatus! | mstatus.MPRV | (mprvPrivilege << 11n) |
    (mprvVirtual ? mstatus.MPV : 0n);

  const x = Array.from({ length: 32 }, () => random.u64());
  x[0] = 0n;
  x[link] = BigInt(addressIn(slotIndex, slot.code));
  x[mprvOn] = mprvState;
  x[mprvBit] = mstatus.MPRV;
  const regimes = regimesOf(mode, mprvVirtual, mprvPrivilege);
  for (let register = firstAddress; register <= lastAddress; register++) {
    x[register] = (harmlessPage(random, stages, regimes, slotBase) + middle) & (2n ** 64n - 1n);
  }
  const context: AccessContext = {
    random,
    mode,
    mprvTag: mprvVirtual ? ["MPV"] : [],
    straddlingFetch: random.chance(0.5),
    mayStraddle: (register) => {
      const next = (x[register]! & ~0xfffn) + 0x1000n;
      return regimes.every((regime) => isHarmless(locate(stages, regime, next), slotBase));
    },
  };
  const steps = Array.from({ length: random.between(30, 60) }, () => randomAccess(context));
  return {
    title: `seed ${seed}, case ${index} (translation, ${mode})`,
    slotIndex,
    mode,
    csrs: {
      ...control,
      ...delegation(random, mode),
      satp: atpOf(stages.s, random),
      vsatp: atpOf(stages.vs, random),
      hgatp: atpOf(stages.g, random),
    },
    x,
    f: Array.from({ length: 32 }, () => random.u64()),
    fcsr: 0n,
    steps,
    memory: [
      ...[stages.s, stages.vs, stages.g].flatMap((stage) => stage.patches()),
      { offset: slot.data, bytes: frames(random) },
    ],
  };
}

function atpOf(stage: Stage, random: Random): bigint {
  return atp(stage.shape.mode, stage.slotBase + BigInt(stage.shape.root), random.below(256));
}

function randomControl(random: Random): { [name in InitialCsr]?: bigint } {
  const some = (...bits: readonly bigint[]) =>
    bits.reduce((sum, bit) => random.chance(0.5) ? sum | bit : sum, 0n);
  const environment = () =>
    environmentEnables & ~(random.chance(0.3) ? adue : 0n) & ~(random.chance(0.15) ? pbmte : 0n);
  return {
    mstatus: some(mstatus.SUM, mstatus.MXR) | (1n << 13n),
    vsstatus: some(mstatus.SUM, mstatus.MXR) | (1n << 13n),
    hstatus: some(hstatus.SPVP, hstatus.HU),
    menvcfg: environment(),
    henvcfg: environment(),
    senvcfg: 0xd0n,
    stimecmp: 2n ** 64n - 1n,
    vstimecmp: 2n ** 64n - 1n,
  };
}

function randomStages(random: Random, mode: Mode, slotBase: bigint): Stages {
  const sUsed = !isVirtual(mode) || random.chance(0.3);
  const s = new Stage({
    mode: sUsed ? randomScheme(random, 0.1) : 0,
    isGStage: false,
    root: slot.sStageTables,
    next: slot.sStageTables + 0x1000,
  }, slotBase);
  const vs = new Stage({
    mode: randomScheme(random, 0.15),
    isGStage: false,
    root: slot.vsStageTables,
    next: slot.vsStageTables + 0x1000,
  }, slotBase);
  const g = new Stage({
    mode: randomScheme(random, 0.15),
    isGStage: true,
    root: slot.gStageRoot,
    next: slot.gStageTables,
  }, slotBase);

  fillGStage(g, random);
  fillFirstStage(s, random, mode, () => {
    return random.chance(0.04) ? nowhere : dataFrame(random, slotBase);
  });
  fillFirstStage(vs, random, mode, () => {
    if (random.chance(0.5)) return dataFrame(random, slotBase);
    return random.chance(0.06) ? nowhere : g.randomPage(random);
  });
  return { s, vs, g };
}

const soundCode = pte.V | pte.R | pte.X | pte.A | pte.D;

function fillFirstStage(stage: Stage, random: Random, mode: Mode, target: () => bigint): void {
  stage.setIdentityPath();
  const user = mode === "U" || mode === "VU";
  scatterEntries(stage, random, user ? 0.8 : mode === "M" ? 0.5 : 0.35, target);
  stage.setIdentityPage(slot.trampolines, soundCode);
  for (let at: number = slot.code; at < slot.code + slot.codeSizeBytes; at += 0x1000) {
    stage.setIdentityPage(at, user ? soundCode | pte.U : soundCode);
  }
}

/** The G-stage must let code and trampolines pass; of the VS-stage tables it may spoil some. */
function fillGStage(stage: Stage, random: Random): void {
  stage.setIdentityPath();
  scatterEntries(stage, random, 0.92, () => {
    return random.chance(0.04) ? nowhere : dataFrame(random, stage.slotBase);
  });
  const sound = soundCode | pte.W | pte.U;
  for (let at = 0; at < slot.data; at += 0x1000) {
    const isVsTable = at >= slot.vsStageTables && at < slot.sStageTables;
    const spoiled = isVsTable && random.chance(0.05);
    const flags = spoiled ? leafFlags(random, 0.9) & ~(0x3ffn << 54n) : sound;
    stage.setIdentityPage(at, flags);
  }
}

/** A way an access may be translated. */
type Regime = "physical" | "s" | "two-stage";

function regimesOf(mode: Mode, mprvVirtual: boolean, mprvPrivilege: bigint): readonly Regime[] {
  const hlv: Regime = "two-stage";
  if (isVirtual(mode)) return ["two-stage"];
  if (mode !== "M") return ["s", hlv];
  if (mprvPrivilege === 3n) return ["physical", hlv];
  return mprvVirtual ? ["two-stage"] : ["s", hlv];
}

function locate({ s, vs, g }: Stages, regime: Regime, address: bigint): Landing {
  // Above 4 GiB there may be windows of the board, far above nothing is.
  if (regime === "physical") return address >> 40n === 0n ? address & ~0xfffn : "fault";
  const first = (regime === "s" ? s : vs).locate(address);
  if (regime === "s" || typeof first !== "bigint") return first;
  return g.locate(first);
}

/** A page that is safe in every way the case may reach it. */
function harmlessPage(
  random: Random,
  stages: Stages,
  regimes: readonly Regime[],
  slotBase: bigint,
): bigint {
  for (let attempt = 0; attempt < 200; attempt++) {
    const regime = random.pick(regimes);
    const page = regime === "physical"
      ? dataFrame(random, slotBase)
      : regime === "s"
      ? stages.s.randomPage(random)
      : stages.vs.levels > 0
      ? stages.vs.randomPage(random)
      : stages.g.randomPage(random);
    if (regimes.every((r) => isHarmless(locate(stages, r, page), slotBase))) return page;
  }
  return dataFrame(random, slotBase);
}

/** Frames start with halves of an instruction, code, then data, see `frameCode`. */
function frames(random: Random): Uint8Array {
  const bytes = new Uint8Array(slot.dataSizeBytes);
  const view = new DataView(bytes.buffer);
  for (let frame = 0; frame < bytes.length; frame += 0x1000) {
    view.setUint16(frame, 0x0000, true); // upper half of `jalr x0, 0(x1)`
    for (let at = 2; at < 0x800; at += 2) view.setUint16(frame + at, compressedReturn, true);
    for (let at = 0x800; at < 0x1000; at += 4) view.setUint32(frame + at, random.u32(), true);
    view.setUint16(frame + 0xffe, 0x8067, true); // its lower half
  }
  return bytes;
}

const compressedReturn = 0x8082; // c.jr x1

interface AccessContext {
  readonly random: Random;
  readonly mode: Mode;
  readonly mprvTag: readonly string[];
  /** Whether the case runs instructions across page ends, or else stores there. */
  readonly straddlingFetch: boolean;
  mayStraddle(register: number): boolean;
}

const loads: readonly (readonly [string, number])[] = [
  ["lb", 1],
  ["lbu", 1],
  ["lh", 2],
  ["lhu", 2],
  ["lw", 4],
  ["lwu", 4],
  ["ld", 8],
  ["flw", 4],
  ["fld", 8],
];
const stores: readonly (readonly [string, number])[] = [
  ["sb", 1],
  ["sh", 2],
  ["sw", 4],
  ["sd", 8],
  ["fsw", 4],
  ["fsd", 8],
];
const atomics = ["lr", "sc", "amoadd", "amoswap", "amomaxu"];
const hypervisorLoads = [
  "hlv.b",
  "hlv.bu",
  "hlv.h",
  "hlv.hu",
  "hlvx.hu",
  "hlv.w",
  "hlv.wu",
  "hlvx.wu",
  "hlv.d",
];
const hypervisorStores = ["hsv.b", "hsv.h", "hsv.w", "hsv.d"];

function randomAccess(context: AccessContext): Step {
  const { random, mode } = context;
  if (mode === "M") return mprvStep(context);
  const hypervisor = mode === "HS" ? 8 : mode === "U" ? 4 : 1;
  return random.weighted<(context: AccessContext) => Step>([
    [10, loadStep],
    [8, storeStep],
    [4, atomicStep],
    [6, fetchStep],
    [hypervisor, hypervisorStep],
    [2, statusStep],
    [2, fenceStep],
    [1, cacheBlockStep],
  ])(context);
}

const anyAddress = (random: Random) => random.between(firstAddress, lastAddress);

/** An offset from the middle of a page into its data, aligned or not, or across its end. */
function dataOffset(context: AccessContext, register: number, size: number): number {
  const { random } = context;
  if (size > 1 && random.chance(0.12) && context.mayStraddle(register)) {
    return 0x800 - random.between(1, size - 1);
  }
  const offset = random.below(0x7f0 / 8) * 8;
  return random.chance(0.8) ? offset : offset + random.below(8);
}

const fold = [
  encode("xor", accumulator, accumulator, value),
  encode("rori", accumulator, accumulator, 7),
];

function loadStep(context: AccessContext): Step {
  const { random } = context;
  const register = anyAddress(random), [name, size] = random.pick(loads);
  const target = name.startsWith("f") ? random.below(32) : value;
  const access = encode(name, target, dataOffset(context, register, size), register);
  return step([access, ...fold]);
}

function storeStep(context: AccessContext): Step {
  const { random } = context;
  const register = anyAddress(random), [name, size] = random.pick(stores);
  const offset = storeOffset(context, register, size);
  return step([encode(name, stored, offset, register), encode("addi", stored, stored, 0x55)]);
}

function storeOffset(context: AccessContext, register: number, size: number): number {
  const offset = dataOffset(context, register, size);
  return context.straddlingFetch && offset + size > 0x7fe ? 0x7f0 - size : offset;
}

function atomicStep({ random }: AccessContext): Step {
  const offset = random.below(0x7f0 / 8) * 8 + (random.chance(0.1) ? random.below(8) : 0);
  const width = random.pick(["w", "d"]);
  const name = `${random.pick(atomics)}.${width}`;
  const rs2 = name.startsWith("lr") ? 0 : stored;
  const words = [
    encode("addi", scratch, anyAddress(random), offset),
    encode(name, value, rs2, scratch, random.below(4)),
  ];
  // A reservation must not outlive its step: what ends one early is the machine's choice.
  if (name.startsWith("lr")) words.push(encode(`sc.${width}`, 0, 0, scratch));
  return step(words, name.startsWith("amo") ? "AMO" : name.startsWith("sc") ? "SC" : "LR");
}

/** Calls into a page. Where the page cannot be run, the monitor returns to the link register. */
function fetchStep(context: AccessContext): Step {
  const { random } = context;
  const register = anyAddress(random);
  const straddles = context.straddlingFetch && random.chance(0.2) && context.mayStraddle(register);
  const offset = straddles ? 0x7fe : -random.between(8, 0x380) * 2;
  return step([
    encode("addi", scratch, register, offset),
    encode("jalr", link, 0, scratch),
  ], ...(straddles ? ["straddling fetch"] : []));
}

function hypervisorStep(context: AccessContext): Step {
  const { random } = context;
  const register = anyAddress(random), isLoad = random.chance(0.65);
  const name = random.pick(isLoad ? hypervisorLoads : hypervisorStores);
  const size = { b: 1, h: 2, w: 4, d: 8 }[name.split(".")[1]!.charAt(0)]!;
  const offset = isLoad
    ? dataOffset(context, register, size)
    : storeOffset(context, register, size);
  const point = encode("addi", scratch, register, offset);
  return isLoad
    ? step([point, encode(name, value, scratch), ...fold], name.startsWith("hlvx") ? "HLVX" : "HLV")
    : step([point, encode(name, scratch, stored)], "HLV");
}

/** Sets or clears SUM and MXR where the mode has them, and traps where not. */
function statusStep({ random, mode }: AccessContext): Step {
  const names = mode === "HS" ? ["sstatus", "vsstatus"] : ["sstatus"];
  const bits = random.pick([0x40, 0x80, 0xc0]); // SUM and MXR, as the upper immediate of LUI
  const name = random.pick(names);
  return step([
    encode("lui", scratch, bits),
    encode(random.pick(["csrrs", "csrrc"]), value, csr(name), scratch),
    // A virtual machine's SUM and MXR may be cached with its translations.
    ...(name === "vsstatus" ? [encode("hfence.vvma", 0, 0)] : []),
  ], ...(bits === 0x40 ? [] : ["MXR"]));
}

function fenceStep({ random }: AccessContext): Step {
  const name = random.pick([
    "sfence.vma",
    "sinval.vma",
    "hfence.vvma",
    "hfence.gvma",
    "hinval.vvma",
    "hinval.gvma",
    "sfence.w.inval",
    "sfence.inval.ir",
  ]);
  const operand = (register: number) => random.chance(0.5) ? 0 : register;
  const fence = encode(name, operand(anyAddress(random)), operand(scratch));
  return step([fence], ...(/^sfence.*(inval|ir)$/.test(name) ? ["Svinval ordering"] : []));
}

function cacheBlockStep({ random }: AccessContext): Step {
  const name = random.pick(["cbo.inval", "cbo.clean", "cbo.flush", "cbo.zero"]);
  return step(
    [
      encode("addi", scratch, anyAddress(random), random.below(0x700)),
      encode(name, scratch),
    ],
    "Zicbom",
    ...(name === "cbo.zero" ? [] : ["translated CBO"]),
  );
}

/** From M-mode everything goes through MPRV; the monitor clears it when the access traps. */
function mprvStep(context: AccessContext): Step {
  const { random, mprvTag } = context;
  const on = encode("csrrw", 0, csr("mstatus"), mprvOn);
  const off = encode("csrrc", 0, csr("mstatus"), mprvBit);
  const register = anyAddress(random);
  if (random.chance(0.1)) return fenceStep(context);
  if (random.chance(0.2)) return hypervisorStep(context);
  if (random.chance(0.55)) {
    const [name, size] = random.pick(loads.slice(0, 7));
    const access = encode(name, value, dataOffset(context, register, size), register);
    return step([on, access, off, fold[0]!], ...mprvTag);
  }
  const [name, size] = random.pick(stores.slice(0, 4));
  return step(
    [on, encode(name, stored, storeOffset(context, register, size), register), off],
    ...mprvTag,
  );
}
