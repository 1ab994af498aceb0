/** A switch that turns on above a limit and off well below it, and neither for a moment's sake. */
export interface Latch {
  readonly isSet: boolean;
  /** What this look has changed. `share`: what was found over its limit. */
  look(share: number): "set" | "released" | null;
}

/**
 * @param looks in a row that it takes to begin, above 1, and to end, below `shareToEnd`
 */
export function createLatch(looks: { readonly begin: number; readonly end: number }, shareToEnd: number): Latch {
  let isSet = false;
  let inARow = 0;
  return {
    get isSet() {
      return isSet;
    },
    look(share) {
      inARow = (isSet ? share < shareToEnd : share > 1) ? inARow + 1 : 0;
      if (inARow < (isSet ? looks.end : looks.begin)) return null;
      inARow = 0;
      isSet = !isSet;
      return isSet ? "set" : "released";
    },
  };
}
