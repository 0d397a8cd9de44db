/**
 * From files to memory: kernels, firmware, executables, where they go, and how a hart starts them.
 *
 * @module
 */

export { type BareMetalPlanInput, planBareMetal } from "./bare_metal_plan.ts";
export { type BootPlan, type BootPlanInput, planBoot } from "./boot_plan.ts";
export { isElf, type LoadedElf, loadElf } from "./elf.ts";
export { type ImageHeader, isImage, loadImage, readImageHeader } from "./image.ts";
export { loadFirmware, loadKernel, type LoadOptions } from "./kernel.ts";
export type { LoadedProgram, LoadSegment, StoredBytes } from "./program.ts";
export {
  ANY_BOOT_HART,
  createResetVector,
  encodeFwDynamicInfo,
  type FwDynamicInfo,
  NEXT_MODE,
  type ResetVectorOptions,
} from "./reset_vector.ts";
