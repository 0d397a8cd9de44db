/**
 * What a user wants to be told beside results: `HIMAWARI_LOG`, topics with commas between them.
 *
 * @module
 */

/** Something to be told of. */
export type LogTopic =
  /** Why a layer was not restored. */
  "cache";

const VARIABLE = "HIMAWARI_LOG";

/** Whether the user asked for a topic; not if the environment may not be read. */
export function isLogging(topic: LogTopic): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable: VARIABLE });
  if (state !== "granted") return false;
  return (Deno.env.get(VARIABLE) ?? "").split(",").some((each) => each.trim() === topic);
}
