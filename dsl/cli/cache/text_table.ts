/**
 * Rows of text in columns.
 *
 * @module
 */

/** A column: its heading, and on which side its cells are flush. */
export interface Column {
  readonly heading: string;
  readonly align: "left" | "right";
}

/** Lines with cells one below the other, headings first. */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const all = [columns.map(({ heading }) => heading), ...rows];
  const widths = columns.map((_, n) => Math.max(...all.map((row) => (row[n] ?? "").length)));
  return all.map((row) =>
    columns.map(({ align }, n) => {
      const cell = row[n] ?? "";
      return align === "left"
        ? cell.padEnd(widths[n] as number)
        : cell.padStart(widths[n] as number);
    }).join("  ").trimEnd()
  );
}
