/**
 * What the commands of `himawari cache` have in common.
 *
 * @module
 */

import { type Inventory, takeInventory } from "../../../vmm/snapshot/inventory.ts";
import { SnapshotStore } from "../../../vmm/snapshot/store.ts";
import type { OptionRow } from "../option_table.ts";
import { asUserError } from "../user_error.ts";

/** A command of `himawari cache`. */
export interface CacheCommand {
  readonly name: string;
  /** What follows the name, besides options. */
  readonly operands: string;
  /** How many operands there may be. */
  readonly operandCount: readonly [least: number, most: number];
  /** For the list of commands. */
  readonly summary: string;
  /** For its own `--help`. */
  readonly description: string;
  /** Its options, those that all have left out. */
  readonly options: readonly OptionRow[];
  /** Does it; answers the exit code. */
  readonly run: (context: CacheContext) => Promise<number>;
}

/** What a command works with. */
export interface CacheContext {
  readonly operands: readonly string[];
  /** Values of options by their long name. */
  readonly values: { readonly [name: string]: string | undefined };
  /** Long names of the switches that were given. */
  readonly switches: ReadonlySet<string>;
  readonly folder: CacheFolder;
  /** Prints a line. */
  readonly print: (line: string) => void;
  readonly nowMs: number;
}

/** The cache folder, looked at when asked. */
export class CacheFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * What there is.
   *
   * @throws {UserError} if it cannot be read
   */
  async inventory(): Promise<Inventory> {
    return await asUserError(() => takeInventory(this.path), `cannot read ${this.path}: `);
  }

  /**
   * Works with the store, which is made if it is not there.
   *
   * @throws {UserError} for whatever goes wrong
   */
  async withStore<T>(use: (store: SnapshotStore) => T | Promise<T>): Promise<T> {
    return await asUserError(async () => {
      const store = SnapshotStore.open(this.path);
      try {
        return await use(store);
      } finally {
        store.close();
      }
    });
  }
}
