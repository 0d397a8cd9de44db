/**
 * Compares a boot log with a golden one: line by line, after removing what means nothing, and holding
 * every difference against a list of those that have a reason.
 *
 * @module
 */

/** Differences that are as they should be. */
export interface ExplainedDifference {
  /** The lines. */
  readonly lines: RegExp;
  /** Which of the logs has such lines; `both` if they read otherwise in each, or are elsewhere. */
  readonly in: "golden" | "ours" | "both";
  /** Why. */
  readonly reason: string;
}

/** What a comparison found. */
export interface Comparison {
  /** Number of lines that are the same, in the same order. */
  readonly equal: number;
  /** `-` and a line of the golden log, or `+` and one of ours, that nothing explains. */
  readonly unexplained: readonly string[];
  /** Patterns of explanations that do not apply (any longer), in one log at least. */
  readonly idle: readonly string[];
}

/**
 * Lines up to the first shell prompt, without time stamps, escape sequences, empty lines, process ids
 * and the width of the firmware's table.
 */
export function normalise(log: string): string[] {
  const lines = log
    // deno-lint-ignore no-control-regex
    .replaceAll(/\r|\x1b\[[\d;]*[A-Za-z]/g, "")
    .split("\n")
    .map((line) => line.replace(/^\[ *\d+\.\d{6}\] /, "").replace(/ +: /, " : "))
    .map((line) => line.replace(/--name guest-\d+$/, "--name guest-PID").trimEnd());
  const prompt = lines.findIndex((line) => /^[~/] #( |$)/.test(line));
  return lines.slice(0, prompt < 0 ? lines.length : prompt).filter((line) => line !== "");
}

/** Compares normalised logs. */
export function compare(
  golden: readonly string[],
  ours: readonly string[],
  explained: readonly ExplainedDifference[],
): Comparison {
  const used = new Map(explained.map((one) => [one, new Set<string>()]));
  const { equal, differences } = difference(golden, ours);
  const unexplained = differences.filter((line) => {
    const log = line.startsWith("-") ? "golden" : "ours";
    const explanation = explained.find((one) =>
      (one.in === log || one.in === "both") && one.lines.test(line.slice(2))
    );
    if (explanation !== undefined) used.get(explanation)!.add(log);
    return explanation === undefined;
  });
  const idle = explained
    .filter((one) => used.get(one)!.size !== (one.in === "both" ? 2 : 1))
    .map(({ lines }) => String(lines));
  return { equal, unexplained, idle };
}

/** Lines outside a longest common subsequence. */
function difference(
  a: readonly string[],
  b: readonly string[],
): { equal: number; differences: string[] } {
  // lengths[i][j]: of the longest common subsequence of a[i..] and b[j..]
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i]![j] = a[i] === b[j]
        ? lengths[i + 1]![j + 1]! + 1
        : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const differences: string[] = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
    } else if (j === b.length || (i < a.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      differences.push(`- ${a[i++]}`);
    } else differences.push(`+ ${b[j++]}`);
  }
  return { equal: lengths[0]![0]!, differences };
}
