/** Columns for people: text to the left, numbers to the right, two spaces between. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, k) => Math.max(title.length, ...rows.map((row) => row[k].length)));
  const right = header.map((_, k) => rows.length > 0 && rows.every((row) => /^([-+]?[\d.]|—$)/.test(row[k])));
  const line = (row: readonly string[]) =>
    row
      .map((cell, k) => (right[k] ? cell.padStart(widths[k]) : cell.padEnd(widths[k])))
      .join('  ')
      .trimEnd();
  return `${[header, ...rows].map(line).join('\n')}\n`;
}
