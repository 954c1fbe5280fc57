/** Whether any two atoms, or an atom and an image, stand closer than a distance: by a sweep along x. */
import type { Frame } from '../dataset.ts';

/** Å; Infinity where none are closer than `limit`. */
export function closestBelow(limit: number, { numbers, positions, cell, pbc }: Frame): number {
  const points: [x: number, y: number, z: number][] = [];
  for (let i = 0; i < numbers.length; i++) points.push([positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]]);
  if (cell !== undefined && pbc?.includes(true)) addImages(points, cell, pbc, limit);
  points.sort(([a], [b]) => a - b);
  let least = limit * limit;
  for (const [i, [x, y, z]] of points.entries()) {
    for (let j = i + 1; j < points.length && points[j][0] - x < limit; j++) {
      least = Math.min(least, (points[j][0] - x) ** 2 + (points[j][1] - y) ** 2 + (points[j][2] - z) ** 2);
    }
  }
  return least < limit * limit ? Math.sqrt(least) : Infinity;
}

/** Wraps atoms into the cell and adds images of those within `limit` of its faces, one direction after another. */
function addImages(
  points: [number, number, number][],
  cell: Float64Array,
  pbc: readonly boolean[],
  limit: number,
): void {
  for (let axis = 0; axis < 3; axis++) {
    if (!pbc[axis]) continue;
    const [a, b, c] = [0, 1, 2].map((k) => cell.subarray(3 * ((axis + k) % 3), 3 * ((axis + k) % 3) + 3));
    const normal = [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]];
    const volume = normal[0] * a[0] + normal[1] * a[1] + normal[2] * a[2];
    const height = Math.abs(volume) / Math.hypot(...normal);
    if (!(height > 0)) continue;
    const fraction = ([x, y, z]: readonly number[]) => (normal[0] * x + normal[1] * y + normal[2] * z) / volume;
    const moved = ([x, y, z]: readonly number[], by: number): [number, number, number] => [
      ...([x + by * a[0], y + by * a[1], z + by * a[2]] as const),
    ];
    const margin = limit / height;
    for (const [i, point] of [...points].entries()) {
      points[i] = moved(point, -Math.floor(fraction(point)));
      const at = fraction(points[i]);
      for (let by = 1; at + by <= 1 + margin; by++) points.push(moved(points[i], by));
      for (let by = 1; at - by >= -margin; by++) points.push(moved(points[i], -by));
    }
  }
}
