/**
 * himawari: tests for virtualization, on a RISC-V machine of their own.
 *
 * @module
 */

export { Machine, type RestoreOptions, type RunOutcome, type RunUntil } from "./vmm/machine.ts";
export type { MachineShape, MachineSnapshot } from "./vmm/snapshot/snapshot.ts";
export type { MachineOptions } from "./vmm/machine_options.ts";
export type { InputFile, LazyBytes } from "./vmm/input_file.ts";
export {
  type AnyMatch,
  Console,
  type ExpectedPanic,
  type ExpectOptions,
  type IdleOptions,
  type NeverOptions,
  type WaitOptions,
} from "./vmm/console.ts";
export type { ConsoleMatch } from "./vmm/transcript.ts";
export {
  MachineError,
  type MachineErrorDetails,
  type Verdict,
  verdictOf,
  VERDICTS,
} from "./vmm/verdict.ts";
export * as fdt from "./vmm/fdt/mod.ts";
export { type BoardFdtOptions, createBoardFdt, DEFAULT_ISA } from "./vmm/board_fdt.ts";
export {
  type FileMap,
  type FileMapEntry,
  packInitramfs,
  readCpio,
  writeCpio,
} from "./vmm/initramfs/mod.ts";
export {
  fixture,
  FIXTURE_NAMES,
  type FixtureName,
  hostRootFiles,
  lazyFixture,
} from "./fixtures/mod.ts";
export { Host, type HostOptions } from "./dsl/host.ts";
export { Guest, type GuestShellOptions } from "./dsl/guest.ts";
export type { GuestConsole } from "./dsl/guest_console.ts";
export { type GuestOptions, lkvmCommand } from "./dsl/guest_options.ts";
export { type CommandWord, quote } from "./dsl/command_line.ts";
export { type CommandOptions, type CommandResult, PROMPT, Shell } from "./dsl/shell.ts";
export { scenario, type ScenarioContext, type ScenarioOptions } from "./dsl/scenario.ts";
export {
  type BuiltInOptions,
  type Layer,
  layer,
  type LayerContext,
  type LayerOptions,
  type LayerReference,
  type Made,
  type MadeBy,
} from "./dsl/layers/definition.ts";
