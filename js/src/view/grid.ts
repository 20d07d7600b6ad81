/** Columns of the grid for a number of tiles, in a narrow, a medium and a wide place. */
export function columnsFor(tiles: number): { narrow: number; medium: number; wide: number } {
  const upTo = (steps: readonly (readonly [number, number])[], most: number): number =>
    steps.find(([limit]) => tiles <= limit)?.[1] ?? most;
  return {
    narrow: upTo(
      [
        [2, 1],
        [8, 2],
      ],
      3,
    ),
    medium: upTo(
      [
        [1, 1],
        [4, 2],
        [9, 3],
      ],
      4,
    ),
    wide: upTo(
      [
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 2],
        [6, 3],
        [8, 4],
      ],
      5,
    ),
  };
}

/** The custom properties that style.css picks from by the width of the place. */
export function gridStyle(tiles: number): Record<string, string> {
  const properties = Object.entries(columnsFor(tiles)).flatMap(([place, columns]) => [
    [`--zw-columns-${place}`, String(columns)],
    [`--zw-rows-${place}`, String(Math.ceil(tiles / columns))],
  ]);
  return Object.fromEntries(properties);
}
