/**
 * Why a stored snapshot cannot be used. Callers catch it and build the layer anew.
 *
 * @module
 */

/** What is wrong with a stored snapshot, for those who decide by it. */
export type SnapshotProblem =
  /** The file is something else. */
  | "not-a-snapshot"
  /** Another format version than this code knows. */
  | "unknown-version"
  /** The manifest's bytes are not those that were written, or contradict each other. */
  | "damaged"
  /** The file is there but cannot be read. */
  | "unreadable"
  /** A pack with its pages is gone. */
  | "pack-missing"
  /** A pack's bytes are not those that were written. */
  | "pack-damaged"
  /** It was saved as the difference from a snapshot that is gone or cannot be used. */
  | "base-missing"
  /** It was saved as the difference from a snapshot that has been replaced. */
  | "base-changed";

const REMEDIES: { readonly [problem in SnapshotProblem]: string } = {
  "not-a-snapshot": "remove it",
  "unknown-version": "use the release that made it, or remove it to have it built anew",
  "damaged": "remove it to have it built anew",
  "unreadable": "check the permissions of the file and the health of the disk",
  "pack-missing": "remove the snapshot to have it built anew",
  "pack-damaged": "remove it and the snapshots that need it, to have them built anew",
  "base-missing": "remove the snapshot to have it built anew",
  "base-changed": "remove the snapshot to have it built anew",
};

/** A stored snapshot cannot be used. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
  readonly reason: SnapshotProblem;
  /** Path of the file at fault. */
  readonly file: string;
  /** What is wrong, in words. */
  readonly detail: string;

  constructor(reason: SnapshotProblem, file: string, detail: string, options?: ErrorOptions) {
    super(`Cannot use snapshot file ${file}: ${detail}; ${REMEDIES[reason]}`, options);
    this.reason = reason;
    this.file = file;
    this.detail = detail;
  }
}
