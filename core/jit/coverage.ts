/**
 * What translated code does about each instruction.
 *
 * @module
 */

export type { Coverage } from "./emitter.ts";
export { coverageOf } from "./emitters.ts";
